import type { Converter, HeaderConverter } from '../../api/converter.ts';
import type { PluginKind } from '../../api/plugin.ts';
import { type Headers, noHeaders } from '../../api/record.ts';
import type { Settings } from '../../config/config-def.ts';
import { isSet, settingsWithPrefix } from '../../config/parse-config.ts';
import { checkHeader, withStructSchemas } from '../../data/headers.ts';
import { createPlugin } from '../../plugins/create-plugin.ts';
import type { PluginRegistry } from '../../plugins/registry.ts';

export interface Named<T> {
  readonly plugin: T;
  readonly className: string;
}

export interface Converters {
  readonly key: Named<Converter>;
  readonly value: Named<Converter>;
  readonly header: Named<HeaderConverter>;
}

/** The connector's own converter with its prefixed settings, else the worker's with the worker's. */
export async function createConverters(
  plugins: PluginRegistry,
  config: Settings,
  defaults: Settings,
): Promise<Converters> {
  const key = await createConverter(plugins, 'converter', 'key.converter', config, defaults);
  key.plugin.configure(key.settings, { isKey: true });
  const value = await createConverter(plugins, 'converter', 'value.converter', config, defaults);
  value.plugin.configure(value.settings, { isKey: false });
  const header = await createConverter(plugins, 'header_converter', 'header.converter', config, defaults);
  header.plugin.configure(header.settings);
  return { key, value, header };
}

async function createConverter<K extends PluginKind>(
  plugins: PluginRegistry,
  kind: K,
  setting: string,
  config: Settings,
  defaults: Settings,
) {
  const source = isSet(config, setting) ? config : defaults;
  const descriptor = plugins.get(kind, source[setting] ?? '', { version: source[`${setting}.plugin.version`] });
  return {
    plugin: await createPlugin(descriptor),
    className: descriptor.className,
    settings: settingsWithPrefix(source, `${setting}.`),
  };
}

export async function closeConverters(converters: Converters): Promise<void> {
  await converters.key.plugin.close?.();
  await converters.value.plugin.close?.();
  await converters.header.plugin.close?.();
}

/** Sink side: the headers of a record as read. */
export function readHeaders(
  converter: HeaderConverter,
  topic: string,
  headers: readonly { key: string; value: Uint8Array | null }[],
): Headers {
  if (headers.length === 0) return noHeaders;
  const read = headers.map(({ key, value }) => {
    const converted = converter.toConnectHeader(topic, key, value);
    checkHeader(converted.schema, converted.value);
    return { key, schema: converted.schema, value: converted.value };
  });
  return withStructSchemas(read);
}
