import { describe, expect, it } from 'vitest';
import { builtinPlugins } from '../../functions/builtin-plugins.ts';
import { ConfigError } from '../../src/errors.ts';
import { offeredPlugins } from '../../src/plugins/offered-plugins.ts';

const left = (allow: string[], deny: string[]) =>
  offeredPlugins(builtinPlugins, { allow, deny }).map(({ className }) => className);
const all = left([], []);
const file = all.filter((name) => name.startsWith('org.apache.kafka.connect.file.'));
const cast = all.filter((name) => name.startsWith('org.apache.kafka.connect.transforms.Cast$'));

describe('plugins that an installation offers', () => {
  it('are all, unless it says otherwise', () => {
    expect(all).toHaveLength(builtinPlugins.length);
    expect([file.length, cast.length]).toEqual([2, 2]);
  });

  it.each([
    ['a class', 'org.apache.kafka.connect.file.FileStreamSourceConnector', file.slice(0, 1)],
    ['an alias', 'FileStreamSource', file.slice(0, 1)],
    ['a simple name', 'FileStreamSourceConnector', file.slice(0, 1)],
    ['a package', 'org.apache.kafka.connect.file.*', file],
    ['a class with two forms', 'org.apache.kafka.connect.transforms.Cast', cast],
    ['its simple name', 'Cast', cast],
    ['one of its forms', 'org.apache.kafka.connect.transforms.Cast$Key', cast.slice(0, 1)],
  ])('%s is left out, or is all there is', (_what, name, meant) => {
    expect(left([], [name])).toEqual(all.filter((one) => !meant.includes(one)));
    expect(left([name], [])).toEqual(all.filter((one) => meant.includes(one)));
  });

  it('are those that are allowed and not denied', () => {
    expect(left(['org.apache.kafka.connect.file.*', 'StringConverter'], ['FileStreamSink'])).toEqual([
      file[0],
      'org.apache.kafka.connect.storage.StringConverter',
      'org.apache.kafka.connect.storage.StringConverter',
    ]);
  });

  it('a name that means no plugin is refused: what was to be left out would be there', () => {
    expect(() => left([], ['FileStreamSorce'])).toThrow(ConfigError);
    expect(() => left([], ['FileStreamSorce'])).toThrow('drover.plugins.deny names FileStreamSorce');
    expect(() => left(['com.example.*'], [])).toThrow('drover.plugins.allow names com.example.*');
  });
});
