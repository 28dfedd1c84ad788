import type { ConverterRole } from '../../api/converter.ts';
import { defineConfig, type Settings } from '../../config/config-def.ts';
import { validString } from '../../config/validators.ts';

/** The one setting that all of Apache's own converters share; the runtime fills it in. Java: ConverterConfig. */
export const converterTypeConfig = defineConfig({
  'converter.type': {
    type: 'STRING',
    importance: 'LOW',
    validator: validString('key', 'value', 'header'),
    doc: 'What the converter is for: keys, values or headers. Set by the runtime.',
  },
});

/** Without a role it is a header converter, which may have been told so by its settings. */
export function withConverterType(settings: Settings, role: ConverterRole | undefined): Settings {
  if (role === undefined) return { 'converter.type': 'header', ...settings };
  return { ...settings, 'converter.type': role.isKey ? 'key' : 'value' };
}
