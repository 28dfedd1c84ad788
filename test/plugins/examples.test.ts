import { expect, test } from 'vitest';
import { builtinPlugins } from '../../functions/builtin-plugins.ts';
import type { PluginExample } from '../../src/api/plugin.ts';
import type { Predicate, Transformation } from '../../src/api/transformation.ts';
import { recordOf, shown } from './example-records.ts';

const cases = builtinPlugins.flatMap((plugin) =>
  // A `$Key` form carries the example of its `$Value` twin.
  plugin.className.endsWith('$Key')
    ? []
    : (plugin.examples ?? []).map((example): [string, string, PluginExample] => [
        plugin.className,
        example.title,
        example,
      ]),
);

test.each(cases)('the example of %s holds: %s', async (className, _title, example) => {
  const plugin = builtinPlugins.find((candidate) => candidate.className === className)!;
  if (plugin.kind === 'predicate') {
    const predicate: Predicate = await plugin.create();
    predicate.configure(example.settings);
    expect(predicate.test(recordOf(example.before))).toBe(example.after);
    return;
  }
  if (plugin.kind !== 'transformation') throw new Error(`examples of a ${plugin.kind} are not run`);
  const transformation: Transformation = await plugin.create();
  transformation.configure(example.settings);
  const after = transformation.apply(recordOf(example.before));
  if (example.after === null || typeof example.after === 'boolean') expect(after).toBe(example.after);
  else expect(shown(after!, example.after)).toEqual(example.after);
});

test('every transformation and predicate carries an example', () => {
  const bare = builtinPlugins.filter(
    (plugin) =>
      (plugin.kind === 'transformation' || plugin.kind === 'predicate') && (plugin.examples ?? []).length === 0,
  );
  expect(bare.map((plugin) => plugin.className)).toEqual([]);
});
