import type { Settings } from '../config/config-def.ts';
import type { ItemOutcomes } from './item-outcome.ts';
import type { ConnectRecord } from './record.ts';

/** Java: org.apache.kafka.connect.transforms.Transformation. Null drops the record. */
export interface Transformation {
  configure(settings: Settings): void;
  apply<R extends ConnectRecord<R>>(record: R): R | null;
  /**
   * Optional fast path: the same for a record that nobody else knows, such as one that an earlier stage has made. It may
   * be changed and returned, and is as it was where this throws. Who has this method keeps no record that it was given or
   * returns, by either way.
   */
  applyInPlace?<R extends ConnectRecord<R>>(record: R): R | null;
  /** Optional, for what answers from elsewhere: the worker asks for many records at once, and never calls the others. */
  applyAll?<R extends ConnectRecord<R>>(records: readonly R[]): ItemOutcomes<R | null>;
  close?(): void | Promise<void>;
}

/** Java: org.apache.kafka.connect.transforms.predicates.Predicate. */
export interface Predicate {
  configure(settings: Settings): void;
  test<R extends ConnectRecord<R>>(record: R): boolean;
  /** Optional, as `applyAll` is: asked in place of `test`. */
  testAll?<R extends ConnectRecord<R>>(records: readonly R[]): ItemOutcomes<boolean>;
  close?(): void | Promise<void>;
}
