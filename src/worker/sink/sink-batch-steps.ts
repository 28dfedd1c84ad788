import { SinkRecord, type TimestampType } from '../../api/record.ts';
import { checkHeader } from '../../data/headers.ts';
import type { SchemaAndValue } from '../../data/schema.ts';
import type { RecordCursor } from '../../kafka/types.ts';
import type { Converters } from '../record/converters.ts';
import type { DeadLetter, Stage } from '../record/failure.ts';
import { oneByOne, together } from '../record/one-by-one.ts';
import { notWaiting } from '../record/reach.ts';
import type { Passage, TransformationChain } from '../record/transformation-chain.ts';

/** A record as it was read: the cursor has gone on. */
export interface ReadRecord extends DeadLetter {
  readonly kafkaPartition: number;
  readonly kafkaOffset: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

/** How far one record has come on its way to the task. */
export interface SinkProgress {
  readonly read: ReadRecord;
  readonly timestampType: TimestampType;
  readonly nextOffset: number;
  /** Undefined: not converted yet, here and below. */
  key: SchemaAndValue | undefined;
  value: SchemaAndValue | undefined;
  passage: Passage<SinkRecord> | undefined;
  failure: { readonly stage: Stage; readonly executingClass: string; readonly error: unknown } | null;
}

const nullValue: SchemaAndValue = Object.freeze({ schema: null, value: null });

export function begin(cursor: RecordCursor, read: ReadRecord): SinkProgress {
  return {
    read,
    timestampType: cursor.timestampType,
    nextOffset: cursor.offset + 1,
    key: undefined,
    value: undefined,
    passage: undefined,
    failure: null,
  };
}

/** The sink side of SourceBatchSteps. */
export class SinkBatchSteps {
  readonly #converters: Converters;
  readonly #chain: TransformationChain;

  constructor(converters: Converters, chain: TransformationChain) {
    this.#converters = converters;
    this.#chain = chain;
  }

  static isNeeded({ key, value, header }: Converters, chain: TransformationChain): boolean {
    return (
      chain.isBatched ||
      key.plugin.toConnectDataAll !== undefined ||
      value.plugin.toConnectDataAll !== undefined ||
      header.plugin.toConnectHeaderAll !== undefined
    );
  }

  /** Brings them as far as they come. Rejects with what is no record's fault. */
  async advance(all: readonly SinkProgress[]): Promise<void> {
    const sound = all.filter(({ failure }) => failure === null);
    await this.#convert(
      'key',
      sound.filter(({ key }) => key === undefined),
    );
    await this.#convert(
      'value',
      notWaiting(sound).filter(({ key, value }) => key !== undefined && value === undefined),
    );
    await this.#assemble(
      notWaiting(sound).filter(({ value, passage }) => value !== undefined && passage === undefined),
    );
    const assembled = notWaiting(sound).filter(({ passage }) => passage !== undefined);
    await this.#chain.applyMany(assembled.map(({ passage }) => passage!));
    for (const progress of assembled) {
      const { failure, stage } = progress.passage!;
      if (failure === null) continue;
      progress.passage!.failure = null;
      progress.failure = { stage: 'TRANSFORMATION', executingClass: this.#chain.classAt(stage), ...failure };
    }
  }

  /** The task gets it, or a transformation has dropped it. */
  isDone({ passage }: SinkProgress): boolean {
    return passage !== undefined && (passage.record === null || passage.stage === this.#chain.length);
  }

  async #convert(part: 'key' | 'value', waiting: readonly SinkProgress[]): Promise<void> {
    if (waiting.length === 0) return;
    const { plugin, className } = this.#converters[part];
    const items = waiting.map(({ read }) => ({ topic: read.topic, headers: read.headers, bytes: read[part] }));
    const outcomes = await (plugin.toConnectDataAll?.(items) ??
      oneByOne(items, ({ topic, bytes }) => plugin.toConnectData(topic, bytes)));
    for (const [i, outcome] of outcomes.entries()) {
      const progress = waiting[i]!;
      if (!outcome.failed) progress[part] = outcome.answer ?? nullValue;
      else {
        const stage = part === 'key' ? 'KEY_CONVERTER' : 'VALUE_CONVERTER';
        progress.failure = { stage, executingClass: className, error: outcome.error };
      }
    }
  }

  async #assemble(waiting: readonly SinkProgress[]): Promise<void> {
    const { plugin, className } = this.#converters.header;
    const items = waiting.flatMap(({ read: { topic, headers } }) =>
      headers.map(({ key, value }) => ({ topic, key, bytes: value as Uint8Array | null })),
    );
    const outcomes =
      items.length === 0
        ? []
        : await (plugin.toConnectHeaderAll?.(items) ??
            oneByOne(items, ({ topic, key, bytes }) => plugin.toConnectHeader(topic, key, bytes)));
    let at = 0;
    for (const progress of waiting) {
      const { headers } = progress.read;
      const own = outcomes.slice(at, at + headers.length);
      at += headers.length;
      const { answers, failure } = together(own);
      if (failure !== null) progress.failure = { stage: 'HEADER_CONVERTER', executingClass: className, ...failure };
      else if (own.length === headers.length) {
        try {
          progress.passage = { record: assembled(progress, answers), stage: 0, failure: null };
        } catch (error) {
          progress.failure = { stage: 'HEADER_CONVERTER', executingClass: className, error };
        }
      }
    }
  }
}

function assembled({ read, key, value, timestampType }: SinkProgress, headers: readonly SchemaAndValue[]): SinkRecord {
  for (const { schema, value } of headers) checkHeader(schema, value);
  return new SinkRecord(
    read.topic,
    read.kafkaPartition,
    key!.schema,
    key!.value,
    value!.schema,
    value!.value,
    read.kafkaOffset,
    read.timestamp,
    timestampType,
    headers.map(({ schema, value }, i) => ({ key: read.headers[i]!.key, schema, value })),
  );
}
