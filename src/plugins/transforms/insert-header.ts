import type { ConnectRecord } from '../../api/record.ts';
import type { Transformation } from '../../api/transformation.ts';
import { defineConfig, type Settings } from '../../config/config-def.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { nonNull } from '../../config/validators.ts';
import { withHeader } from '../../data/headers.ts';
import type { Schema } from '../../data/schema.ts';
import { parseString } from '../../data/values.ts';
import { defineTransform } from './define-transform.ts';

const config = defineConfig({
  header: { type: 'STRING', importance: 'HIGH', doc: 'Name of the header.', validator: nonNull },
  'value.literal': {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'Its value; numbers, booleans, dates, lists and maps are recognised.',
    validator: nonNull,
  },
});

class InsertHeader implements Transformation {
  #header: { key: string; schema: Schema | null; value: unknown } = { key: '', schema: null, value: null };

  configure(settings: Settings): void {
    const values = parseConfig(config, settings);
    const parsed = parseString(values['value.literal']);
    this.#header = { key: values.header, schema: parsed?.schema ?? null, value: parsed?.value ?? null };
  }

  apply<R extends ConnectRecord<R>>(record: R): R {
    return record.with({ headers: withHeader(record.headers, this.#header) });
  }
}

export const insertHeader = defineTransform(
  {
    name: 'InsertHeader',
    doc: 'Adds a header with a fixed value.',
    config,
    examples: [
      {
        title: 'Mark the source',
        settings: { header: 'site', 'value.literal': 'eu' },
        before: { headers: { id: '7' } },
        after: { headers: { id: '7', site: 'eu' } },
      },
    ],
  },
  () => new InsertHeader(),
);
