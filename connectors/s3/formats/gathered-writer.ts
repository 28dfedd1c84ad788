import type { SinkRecord } from '../../../src/api/index.ts';
import { type Compression, Gatherer } from './compress.ts';
import type { RecordWriter, TakeReason, WriterOptions } from './record-writer.ts';

/** A file that is nothing but the texts or bytes of its records behind each other. */
export abstract class GatheredWriter implements RecordWriter {
  protected readonly out: Gatherer;

  constructor({ spec, resumed }: WriterOptions, compression: Compression) {
    this.out = new Gatherer(compression, spec.compression, spec.level, resumed !== null);
  }

  abstract add(record: SinkRecord): void;

  get held(): number {
    return this.out.held;
  }

  take(reason: TakeReason): Uint8Array[] {
    return this.out.take(reason);
  }

  save(): null {
    return null;
  }

  finish(): Uint8Array[] {
    return this.out.take('left');
  }
}
