import type { ConnectRecord } from '../../api/record.ts';
import type { Predicate } from '../../api/transformation.ts';
import { defineConfig, type Settings } from '../../config/config-def.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { nonEmptyString } from '../../config/validators.ts';
import { definePredicate } from './define-predicate.ts';

const config = defineConfig({
  name: { type: 'STRING', importance: 'MEDIUM', doc: 'Name of the header.', validator: nonEmptyString },
});

class HasHeaderKey implements Predicate {
  #name = '';

  configure(settings: Settings): void {
    this.#name = parseConfig(config, settings).name;
  }

  test<R extends ConnectRecord<R>>(record: R): boolean {
    return record.headers.some((header) => header.key === this.#name);
  }
}

export const hasHeaderKey = definePredicate(
  {
    name: 'HasHeaderKey',
    doc: 'True for records with at least one header of this name.',
    config,
    examples: [
      { title: 'There', settings: { name: 'trace' }, before: { headers: { trace: 'a' } }, after: true },
      { title: 'Not there', settings: { name: 'trace' }, before: {}, after: false },
    ],
  },
  () => new HasHeaderKey(),
);
