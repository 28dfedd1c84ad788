import type { AnyPlugin, PluginKind } from '../api/plugin.ts';
import { ConfigError } from '../errors.ts';

const kinds: Readonly<Record<PluginKind, true>> = {
  source: true,
  sink: true,
  converter: true,
  header_converter: true,
  transformation: true,
  predicate: true,
};

/** What is wrong with what an app gives as the list of its plugins; each line names the place and the fix. */
export function problemsOfPlugins(list: unknown): string[] {
  if (list === undefined) return ['It has no default export: end it with `export default [myConnector, myTransform]`'];
  if (!Array.isArray(list)) return [`Its default export is ${nameOf(list)}: it must be a list of plugins`];
  return list.flatMap((plugin: unknown, index) => {
    const name = `Plugin ${index}${labelOf(plugin)}`;
    return readable(() => problemsOf(plugin)).map((problem) => `${name}: ${problem}`);
  });
}

/** The list as it is; throws ConfigError `config.invalid` with all that is wrong with it. */
export function requirePlugins(list: unknown): readonly AnyPlugin[] {
  const problems = problemsOfPlugins(list);
  if (problems.length > 0) throw new ConfigError(`The list of plugins cannot be used.\n${problems.join('\n')}`);
  return list as readonly AnyPlugin[];
}

function readable(read: () => string[]): string[] {
  try {
    return read();
  } catch (error) {
    return [`it cannot be read: ${error instanceof Error ? error.message : String(error)}`];
  }
}

function problemsOf(plugin: unknown): string[] {
  if (typeof plugin !== 'object' || plugin === null) {
    return [`it is ${nameOf(plugin)}: it must be what definePlugin({ kind, className, … }) gives`];
  }
  const { kind, className, version, doc, config, create, examples } = plugin as Record<string, unknown>;
  const problems: string[] = [];
  const need = (right: boolean, key: string, value: unknown, must: string) => {
    if (!right) problems.push(`${key} is ${nameOf(value)}: it must be ${must}`);
  };
  need(typeof kind === 'string' && Object.hasOwn(kinds, kind), 'kind', kind, `one of ${Object.keys(kinds).join(', ')}`);
  need(isName(className), 'className', className, 'the name by which configs call it, as com.example.MyConnector');
  need(typeof version === 'string' && version.trim() !== '', 'version', version, 'a text such as 1.0.0');
  need(typeof doc === 'string', 'doc', doc, 'a text');
  need(typeof create === 'function', 'create', create, 'a function that makes an instance');
  need(isConfigDef(config), 'config', config, 'what defineConfig({ … }) gives; noConfig where there are no settings');
  need(examples === undefined || Array.isArray(examples), 'examples', examples, 'a list, or left out');
  return problems;
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && /^[^\s,]+$/.test(value);
}

function isConfigDef(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('keys' in value)) return false;
  return value.keys instanceof Map && [...(value.keys as Map<unknown, unknown>).values()].every(isConfigKey);
}

function isConfigKey(key: unknown): boolean {
  return typeof key === 'object' && key !== null && 'name' in key && 'type' in key && typeof key.name === 'string';
}

/** Which one it is, as far as it says. */
function labelOf(plugin: unknown): string {
  const className =
    typeof plugin === 'object' && plugin !== null && 'className' in plugin ? plugin.className : undefined;
  return typeof className === 'string' ? ` (${className})` : '';
}

function nameOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  return typeof value === 'function' ? 'a function' : Array.isArray(value) ? 'a list' : 'an object';
}
