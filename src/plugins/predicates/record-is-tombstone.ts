import type { ConnectRecord } from '../../api/record.ts';
import type { Predicate } from '../../api/transformation.ts';
import { noConfig } from '../../config/config-def.ts';
import { definePredicate } from './define-predicate.ts';

class RecordIsTombstone implements Predicate {
  configure(): void {}

  test<R extends ConnectRecord<R>>(record: R): boolean {
    return record.value === null;
  }
}

export const recordIsTombstone = definePredicate(
  {
    name: 'RecordIsTombstone',
    doc: 'True for records whose value is null.',
    config: noConfig,
    examples: [
      { title: 'A tombstone', settings: {}, before: { key: 'k', value: null }, after: true },
      { title: 'A value', settings: {}, before: { key: 'k', value: 'v' }, after: false },
    ],
  },
  () => new RecordIsTombstone(),
);
