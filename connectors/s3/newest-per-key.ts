import { createHash } from 'node:crypto';
import type { SinkRecord } from '../../src/api/index.ts';
import type { WriterFactory } from './formats/record-writer.ts';
import type { SinkBucket } from './sink-bucket.ts';
import type { SinkPlan } from './sink-plan.ts';

/**
 * One object for each key, with the newest record of it, written over the one before. Records come in order, so that what
 * is put again after a death ends in the same objects.
 */
export class NewestPerKey {
  readonly #bucket: SinkBucket;
  readonly #plan: SinkPlan;
  readonly #writer: WriterFactory;
  readonly #pending = new Map<string, Uint8Array>();
  held = 0;

  constructor(bucket: SinkBucket, plan: SinkPlan, writer: WriterFactory) {
    this.#bucket = bucket;
    this.#plan = plan;
    this.#writer = writer;
  }

  add(record: SinkRecord, now: number): void {
    const { layout, writer: spec } = this.#plan;
    const name = `${layout.nameOf(layout.pathOf(record, now), record)}${layout.ending}`;
    const writer = this.#writer.open({ spec, mark: createHash('md5').update(name).digest(), resumed: null });
    writer.add(record);
    const bytes = Buffer.concat([...writer.take('ready'), ...writer.finish()]);
    this.held += bytes.length - (this.#pending.get(name)?.length ?? 0);
    this.#pending.set(name, bytes);
  }

  async flush(): Promise<void> {
    await Promise.all([...this.#pending].map(([name, bytes]) => this.#bucket.put(name, bytes, true)));
    this.#pending.clear();
    this.held = 0;
  }
}
