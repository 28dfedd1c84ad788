import { closest } from '../config/closest.ts';
import type { Settings } from '../config/config-def.ts';
import { ConnectError } from '../errors.ts';
import { aliasesOf, connectorWish, findConnector, type PluginRegistry } from '../plugins/registry.ts';

/** `config.invalid` for a connector.class that names no connector: Java's words, then what may be wrong with it. */
export function unknownConnector(registry: PluginRegistry, settings: Settings): ConnectError {
  const name = settings['connector.class'] ?? '';
  const connectors = registry.list().filter(({ kind }) => kind === 'source' || kind === 'sink');
  const asked = connectorWish(settings).runtime;
  const ofRuntime = connectors.filter(({ runtime = 'typescript' }) => asked === undefined || runtime === asked);
  const available = ofRuntime.map(({ className }) => className).sort();
  const hint = hintFor(registry, settings, available);
  return new ConnectError(
    'config.invalid',
    `Failed to find any class that implements Connector and which name matches ${name}, available connectors are: ` +
      `${available.join(', ')}${hint === undefined ? '' : `. ${hint}`}`,
    { facts: { key: 'connector.class' } },
  );
}

function hintFor(registry: PluginRegistry, settings: Settings, available: readonly string[]): string | undefined {
  const { 'drover.plugin.runtime': asked, ...others } = settings;
  const here = findConnector(registry, 'source', others) ?? findConnector(registry, 'sink', others);
  if (asked === 'java' && available.length === 0) {
    const without = here === undefined ? '' : `, or leave drover.plugin.runtime out for the ${runtimeOf(here)} one`;
    return `drover.plugin.runtime=java: no connectors of Java are installed; name their folders in java.plugins of the construct (DROVER_JAVA_PLUGINS for npm start)${without}`;
  }
  if (here !== undefined) {
    return `drover.plugin.runtime=${asked}: there is ${here.className} of ${runtimeOf(here)} alone; leave drover.plugin.runtime out for it`;
  }
  const like = closest(shortName(settings['connector.class'] ?? ''), available.map(shortName));
  return like.length === 0 ? undefined : `Did you mean ${like.join(' or ')}?`;
}

const runtimeOf = ({ runtime = 'typescript' }: { readonly runtime?: string | undefined }) => runtime;

/** As a config may name it. */
const shortName = (className: string) => aliasesOf('source', className).at(-1)!;
