import type { Settings } from '../config/config-def.ts';
import type { ConnectRecord } from './record.ts';

/** Java: org.apache.kafka.connect.transforms.Transformation. Null drops the record. */
export interface Transformation {
  configure(settings: Settings): void;
  apply<R extends ConnectRecord<R>>(record: R): R | null;
  close?(): void | Promise<void>;
}

/** Java: org.apache.kafka.connect.transforms.predicates.Predicate. */
export interface Predicate {
  configure(settings: Settings): void;
  test<R extends ConnectRecord<R>>(record: R): boolean;
  close?(): void | Promise<void>;
}
