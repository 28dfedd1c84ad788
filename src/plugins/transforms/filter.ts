import type { Transformation } from '../../api/transformation.ts';
import { noConfig } from '../../config/config-def.ts';
import { defineTransform } from './define-transform.ts';

class Filter implements Transformation {
  configure(): void {}

  apply(): null {
    return null;
  }
}

export const filter = defineTransform(
  {
    name: 'Filter',
    doc: 'Drops every record that reaches it. Give it a predicate, so that only some do.',
    config: noConfig,
    examples: [{ title: 'Nothing passes', settings: {}, before: { value: 'x' }, after: null }],
  },
  () => new Filter(),
);
