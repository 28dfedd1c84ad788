import type { AnyPlugin, ExampleRecord, PluginExample, PluginKind } from '../api/plugin.ts';
import { configReference } from '../config/config-reference.ts';

const titles: readonly (readonly [PluginKind, string])[] = [
  ['source', 'Source connectors'],
  ['sink', 'Sink connectors'],
  ['transformation', 'Transformations'],
  ['predicate', 'Predicates'],
  ['converter', 'Converters'],
  ['header_converter', 'Header converters'],
];

/** The reference page of plugins: what each is for, its settings, its examples. `$Key` and `$Value` share an entry. */
export function pluginReference(plugins: readonly AnyPlugin[]): string {
  const sections = titles.flatMap(([kind, title]) => {
    const ofKind = plugins.filter((plugin) => plugin.kind === kind && !plugin.className.endsWith('$Key'));
    return ofKind.length === 0 ? [] : [`## ${title}\n\n${ofKind.map(entry).join('\n')}`];
  });
  return `# Plugins\n\nPrinted from the plugins' own declarations.\n\n${sections.join('\n')}`;
}

function entry(plugin: AnyPlugin): string {
  const simple = plugin.className.slice(plugin.className.lastIndexOf('.') + 1).replace('$Value', '');
  const classes = plugin.className.endsWith('$Value')
    ? `\`${plugin.className}\`, \`${plugin.className.replace('$Value', '$Key')}\``
    : `\`${plugin.className}\``;
  const examples = (plugin.examples ?? []).map(exampleText).join('');
  return `### ${simple}\n\n${classes}\n\n${plugin.doc}\n\n${configReference(plugin.config)}${examples}`;
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
