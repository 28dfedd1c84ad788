import type { ConnectRecord } from '../../api/record.ts';
import type { Transformation } from '../../api/transformation.ts';
import { defineConfig, type Settings } from '../../config/config-def.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { listOfDistinct } from '../../config/validators.ts';
import { defineTransform } from './define-transform.ts';

const config = defineConfig({
  headers: {
    type: 'LIST',
    importance: 'HIGH',
    doc: 'Names of the headers to remove.',
    validator: listOfDistinct({ empty: false }),
  },
});

class DropHeaders implements Transformation {
  #names: ReadonlySet<string> = new Set();

  configure(settings: Settings): void {
    this.#names = new Set(parseConfig(config, settings).headers);
  }

  apply<R extends ConnectRecord<R>>(record: R): R {
    const names = this.#names;
    if (!record.headers.some((header) => names.has(header.key))) return record;
    return record.with({ headers: record.headers.filter((header) => !names.has(header.key)) });
  }
}

export const dropHeaders = defineTransform(
  {
    name: 'DropHeaders',
    doc: 'Removes headers by name.',
    config,
    examples: [
      {
        title: 'Remove one header, keep the rest',
        settings: { headers: 'trace' },
        before: { headers: { trace: 'a1', id: '7' } },
        after: { headers: { id: '7' } },
      },
    ],
  },
  () => new DropHeaders(),
);
