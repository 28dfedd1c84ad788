import { expect, it, vi } from 'vitest';
import { createRegistry } from '../../../functions/builtin-plugins.ts';
import { requireSettingsOnce } from '../../../src/worker/run/require-settings.ts';
import { defaultWorkerSettings as settings } from '../../../src/worker/worker-settings.ts';

const config = (more: Readonly<Record<string, string>> = {}) => ({
  'connector.class': 'FileStreamSource',
  topic: 'lines',
  file: 'lines.txt',
  ...more,
});
const connector = { name: 'a', type: 'source' } as const;

it('looks at the very same settings once, and at others, or for another environment, anew', () => {
  const host = { plugins: createRegistry(), settings };
  const looks = vi.spyOn(host.plugins, 'find');
  const first = config();
  requireSettingsOnce(host, connector, first);
  const once = looks.mock.calls.length;
  expect(once).toBeGreaterThan(0);
  requireSettingsOnce(host, connector, first);
  expect(looks).toHaveBeenCalledTimes(once);
  requireSettingsOnce(host, connector, config());
  expect(looks).toHaveBeenCalledTimes(2 * once);
  const other = { plugins: createRegistry(), settings };
  const looksOfOther = vi.spyOn(other.plugins, 'find');
  requireSettingsOnce(other, connector, first);
  expect(looksOfOther).toHaveBeenCalledTimes(once);
});

it('refuses each time what is not in order', () => {
  const host = { plugins: createRegistry(), settings };
  const wrong = config({ 'tasks.max': 'many' });
  for (let run = 0; run < 2; run++) expect(() => requireSettingsOnce(host, connector, wrong)).toThrow('tasks.max');
});
