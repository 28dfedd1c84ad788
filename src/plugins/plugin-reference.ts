import type { AnyPlugin, ExampleRecord, PluginExample, PluginKind } from '../api/plugin.ts';
import type { Settings } from '../config/config-def.ts';
import { configReference } from '../config/config-reference.ts';

const titles: readonly (readonly [PluginKind, string])[] = [
  ['source', 'Source connectors'],
  ['sink', 'Sink connectors'],
  ['transformation', 'Transformations'],
  ['predicate', 'Predicates'],
  ['converter', 'Converters'],
  ['header_converter', 'Header converters'],
];

const printed = "Printed from the plugins' own declarations.";

/** The reference page of plugins: what each is for, its settings, its examples. `$Key` and `$Value` share an entry. */
export function pluginReference(plugins: readonly AnyPlugin[]): string {
  return `# Plugins\n\n${printed}\n\n${sectionsOf(plugins)}`;
}

export interface ConnectorPage {
  /** Name of the page's file, without its ending. */
  readonly name: string;
  readonly title: string;
  /** Markdown. */
  readonly intro: string;
  readonly plugins: readonly AnyPlugin[];
  /** Whole configs, as a client would put them. */
  readonly configs: readonly Settings[];
}

/** The page of one system's connectors. */
export function connectorPage({ title, intro, plugins, configs }: ConnectorPage): string {
  const examples = configs.map((config) => `\`\`\`json\n${JSON.stringify(config, null, 2)}\n\`\`\`\n`).join('\n');
  return `# ${title}\n\n${printed} The examples are checked by the tests.\n\n${intro}\n\n## Examples\n\n${examples}\n${sectionsOf(plugins)}`;
}

/** The index of those pages. */
export function connectorIndex(pages: readonly ConnectorPage[]): string {
  const rows = pages.flatMap(({ name, title, plugins }) =>
    plugins.map(({ className, kind, doc }) => `| [${title}](${name}.md) | ${kind} | \`${className}\` | ${doc} |\n`),
  );
  return `# Connectors\n\n${printed}\n\n| system | kind | class | what it does |\n| --- | --- | --- | --- |\n${rows.join('')}`;
}

function sectionsOf(plugins: readonly AnyPlugin[]): string {
  const sections = titles.flatMap(([kind, title]) => {
    const ofKind = plugins.filter((plugin) => plugin.kind === kind && !plugin.className.endsWith('$Key'));
    return ofKind.length === 0 ? [] : [`## ${title}\n\n${ofKind.map(entry).join('\n')}`];
  });
  return sections.join('\n');
}

function entry(plugin: AnyPlugin): string {
  const simple = plugin.className.slice(plugin.className.lastIndexOf('.') + 1).replace('$Value', '');
  const classes = plugin.className.endsWith('$Value')
    ? `\`${plugin.className}\`, \`${plugin.className.replace('$Value', '$Key')}\``
    : `\`${plugin.className}\``;
  const others = (plugin.otherNames ?? []).map((name) => `, \`${name}\``).join('');
  const examples = (plugin.examples ?? []).map(exampleText).join('');
  return `### ${simple}\n\n${classes}${others}\n\n${plugin.doc}\n\n${configReference(plugin.config)}${examples}`;
}

function exampleText(example: PluginExample): string {
  const after =
    example.after === null
      ? 'dropped'
      : typeof example.after === 'boolean'
        ? String(example.after)
        : json(example.after);
  return `\n${example.title}:\n\n\`\`\`\nsettings  ${json(example.settings)}\nbefore    ${json(example.before)}\nafter     ${after}\n\`\`\`\n`;
}

function json(value: ExampleRecord | Readonly<Record<string, string>>): string {
  return JSON.stringify(value);
}
