import { expect, test } from 'vitest';
import { builtinPlugins } from '../../functions/builtin-plugins.ts';
import { recordPlugins } from '../../src/plugins/index.ts';
import { pluginReference } from '../../src/plugins/plugin-reference.ts';

test('the reference page says what the plugins declare (vitest -u writes it anew)', async () => {
  await expect(pluginReference(recordPlugins)).toMatchFileSnapshot('../../docs/plugins.md');
});

test('every plugin and every setting says what it is for', () => {
  for (const plugin of builtinPlugins) {
    expect(plugin.doc, plugin.className).not.toBe('');
    for (const key of plugin.config.keys.values()) expect(key.doc, `${plugin.className} ${key.name}`).not.toBe('');
  }
});
