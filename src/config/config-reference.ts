import type { ConfigDef, ConfigKey } from './config-def.ts';
import { defaultOf } from './parse-config.ts';
import { configTextOf } from './validate-config.ts';

/** A component's settings as a Markdown table, in order of declaration; internal ones are left out. */
export function configReference(def: ConfigDef): string {
  const keys = [...def.keys.values()].filter((key) => !key.internal);
  if (keys.length === 0) return 'No settings.\n';
  const rows = keys.map(
    (key) => `| \`${key.name}\` | ${key.type} | ${defaultText(key)} | ${allowed(key)} | ${doc(key)} |`,
  );
  return `| setting | type | default | allowed | meaning |\n| --- | --- | --- | --- | --- |\n${rows.join('\n')}\n`;
}

function defaultText(key: ConfigKey): string {
  if (key.required) return 'required';
  const text = configTextOf(key, defaultOf(key));
  if (text === null) return '';
  return text === '' ? 'empty' : `\`${cell(text)}\``;
}

function allowed(key: ConfigKey): string {
  return cell(key.validator?.description ?? '');
}

function doc(key: ConfigKey): string {
  return cell(key.deprecated === null ? key.doc : `${key.doc} Deprecated: ${key.deprecated}`);
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
