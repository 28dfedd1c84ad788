import type { DataToSerialize, SerializedValue } from '../../api/converter.ts';
import type { SourceRecord } from '../../api/record.ts';
import type { KafkaHeader } from '../../kafka/types.ts';
import type { Converters } from '../record/converters.ts';
import type { Stage } from '../record/failure.ts';
import { oneByOne, together } from '../record/one-by-one.ts';
import { notWaiting } from '../record/reach.ts';
import type { Passage, TransformationChain } from '../record/transformation-chain.ts';

/** How far one record has come on its way to Kafka. */
export interface SourceProgress {
  /** The task's own. */
  readonly record: SourceRecord;
  readonly passage: Passage<SourceRecord>;
  /** Undefined: not converted yet, here and below. */
  headers: readonly KafkaHeader[] | undefined;
  key: SerializedValue | undefined;
  value: SerializedValue | undefined;
  failure: { readonly stage: Stage; readonly executingClass: string; readonly error: unknown } | null;
}

export function begin(record: SourceRecord): SourceProgress {
  const passage = { record, stage: 0, failure: null };
  return { record, passage, headers: undefined, key: undefined, value: undefined, failure: null };
}

/**
 * The steps of many records at a time, for chains and converters that answer from elsewhere. Each step sees its records in
 * their order, and goes no further than a failure that may be tried again.
 */
export class SourceBatchSteps {
  readonly #chain: TransformationChain;
  readonly #converters: Converters;

  constructor(chain: TransformationChain, converters: Converters) {
    this.#chain = chain;
    this.#converters = converters;
  }

  static isNeeded(chain: TransformationChain, { key, value, header }: Converters): boolean {
    return (
      chain.isBatched ||
      key.plugin.fromConnectDataAll !== undefined ||
      value.plugin.fromConnectDataAll !== undefined ||
      header.plugin.fromConnectHeaderAll !== undefined
    );
  }

  /** Brings them as far as they come. Rejects with what is no record's fault. */
  async advance(all: readonly SourceProgress[]): Promise<void> {
    const sound = all.filter(({ failure, record }) => failure === null && record.instead === null);
    await this.#chain.applyMany(sound.map(({ passage }) => passage));
    for (const progress of sound) {
      const { failure, stage } = progress.passage;
      if (failure === null) continue;
      progress.passage.failure = null;
      progress.failure = { stage: 'TRANSFORMATION', executingClass: this.#chain.classAt(stage), error: failure.error };
    }
    const transformed = () =>
      notWaiting(sound).filter(
        ({ failure, passage }) => failure === null && passage.record !== null && passage.stage === this.#chain.length,
      );
    await this.#convertHeaders(transformed().filter(({ headers }) => headers === undefined));
    await this.#convert(
      'key',
      transformed().filter(({ headers, key }) => headers !== undefined && key === undefined),
    );
    await this.#convert(
      'value',
      transformed().filter(({ key, value }) => key !== undefined && value === undefined),
    );
  }

  async #convertHeaders(waiting: readonly SourceProgress[]): Promise<void> {
    const { plugin, className } = this.#converters.header;
    const items = waiting.flatMap(({ passage }) => {
      const { topic, headers } = passage.record!;
      return headers.map(({ key, schema, value }) => ({ topic, key, schema, value }));
    });
    const outcomes =
      items.length === 0
        ? []
        : await (plugin.fromConnectHeaderAll?.(items) ??
            oneByOne(items, ({ topic, key, schema, value }) => plugin.fromConnectHeader(topic, key, schema, value)));
    let at = 0;
    for (const progress of waiting) {
      const { headers } = progress.passage.record!;
      const own = outcomes.slice(at, at + headers.length);
      at += headers.length;
      const { answers, failure } = together(own);
      if (failure !== null) progress.failure = { stage: 'HEADER_CONVERTER', executingClass: className, ...failure };
      else if (own.length === headers.length)
        progress.headers = headers.map(({ key }, i) => ({ key, value: answers[i] as SerializedValue }));
    }
  }

  async #convert(part: 'key' | 'value', waiting: readonly SourceProgress[]): Promise<void> {
    if (waiting.length === 0) return;
    const { plugin, className } = this.#converters[part];
    const items = waiting.map(({ passage, headers }): DataToSerialize => {
      const record = passage.record!;
      const schema = part === 'key' ? record.keySchema : record.valueSchema;
      return { topic: record.topic, headers: headers!, schema, value: record[part] };
    });
    const outcomes = await (plugin.fromConnectDataAll?.(items) ??
      oneByOne(items, async ({ topic, schema, value }) => ({
        bytes: await plugin.fromConnectData(topic, schema, value),
        headers: null,
      })));
    for (const [i, outcome] of outcomes.entries()) {
      const progress = waiting[i]!;
      if (outcome.failed) {
        const stage = part === 'key' ? 'KEY_CONVERTER' : 'VALUE_CONVERTER';
        progress.failure = { stage, executingClass: className, error: outcome.error };
        continue;
      }
      progress[part] = outcome.answer.bytes;
      if (outcome.answer.headers !== null) progress.headers = outcome.answer.headers;
    }
  }
}
