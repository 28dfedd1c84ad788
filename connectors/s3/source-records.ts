import {
  DataError,
  type Headers,
  type JavaRegex,
  noHeaders,
  OPTIONAL_BYTES_SCHEMA,
  OPTIONAL_STRING_SCHEMA,
  type SourceOffset,
  type SourcePartition,
  SourceRecord,
  STRING_SCHEMA,
} from '../../src/api/index.ts';
import type { ReadItem } from './formats/read.ts';
import type { Progress } from './source-lane.ts';
import { namePattern, type S3SourceValues } from './source-settings.ts';
import { Template, type TemplateFacts } from './source-template.ts';

interface HeaderTemplate {
  readonly name: string;
  readonly template: Template;
}

/** What the settings say about the records of any object. */
export class RecordTemplates {
  readonly topic: Template;
  /** Null: the object's key. */
  readonly key: Template | null;
  readonly partition: Template | null;
  readonly headers: readonly HeaderTemplate[];
  readonly keyIsOptionalBytes: boolean;
  readonly timestamp: 'none' | 'modified';
  readonly bucket: string;
  readonly #pattern: JavaRegex;

  constructor(values: S3SourceValues, bucket: string) {
    this.bucket = bucket;
    this.#pattern = namePattern(values['file.name.template']);
    this.topic = new Template(values.topic ?? '{{topic}}');
    this.key = values['record.key'] === null ? null : new Template(values['record.key']);
    this.partition = values['record.partition'] === null ? null : new Template(values['record.partition']);
    this.headers = values['record.headers'].map((entry) => {
      const equals = entry.indexOf('=');
      return { name: entry.slice(0, equals), template: new Template(entry.slice(equals + 1)) };
    });
    this.keyIsOptionalBytes = values['input.format'].toLowerCase() === 'avro';
    this.timestamp = values['record.timestamp'];
  }

  /** What the pattern finds in a key; null: the object is not to be read. */
  match(key: string): Readonly<Record<string, string | undefined>> | null {
    const found = this.#pattern.find(key);
    return found === null || found.startOffset === undefined ? found : { ...found, start_offset: found.startOffset };
  }
}

/** Makes the records of one object. */
export class ObjectRecords {
  readonly #templates: RecordTemplates;
  readonly #sourcePartition: SourcePartition;
  readonly #progress: Progress;
  readonly #names: Record<string, string | undefined>;
  readonly #keyBytes: Uint8Array;
  #fixedTopic: string | null = null;

  constructor(templates: RecordTemplates, sourcePartition: SourcePartition, progress: Progress) {
    const { key, etag, modified } = progress.object;
    this.#templates = templates;
    this.#sourcePartition = sourcePartition;
    this.#progress = progress;
    this.#keyBytes = new Uint8Array(Buffer.from(key));
    this.#names = {
      ...templates.match(key),
      bucket: templates.bucket,
      key,
      name: key.slice(key.lastIndexOf('/') + 1),
      etag,
      modified: new Date(modified * 1000).toISOString(),
    };
    if (templates.topic.isOfObject) this.#fixedTopic = templates.topic.render(this.#facts(null));
  }

  #facts(item: ReadItem | null): TemplateFacts {
    const { version, records } = this.#progress;
    this.#names.version = version ?? undefined;
    return { names: this.#names, record: records, schema: item?.schema ?? null, value: item?.value };
  }

  /** Of an item that the progress counts already. `offset` gives the one behind it. */
  record(item: ReadItem, offset: () => SourceOffset): SourceRecord {
    let { error } = item;
    if (error === null) {
      try {
        return this.#record(item, offset());
      } catch (failure) {
        error = failure as Error;
      }
    }
    this.#progress.flawed = true;
    return this.unreadable(error, item.value, offset());
  }

  #record(item: ReadItem, sourceOffset: SourceOffset): SourceRecord {
    const { key, headers, keyIsOptionalBytes, timestamp } = this.#templates;
    const facts = this.#facts(item);
    const topic = this.#fixedTopic ?? this.#templates.topic.render(facts);
    if (topic === null || topic === '') {
      throw new DataError(`The template of the topic, ${this.#templates.topic.text}, finds nothing in it`);
    }
    const keyText = key === null ? null : key.render(facts) || null;
    const bytesSchema = keyIsOptionalBytes ? OPTIONAL_BYTES_SCHEMA : null;
    return new SourceRecord(
      this.#sourcePartition,
      sourceOffset,
      topic,
      this.#partition(facts),
      key === null ? bytesSchema : keyText === null ? null : OPTIONAL_STRING_SCHEMA,
      key === null ? this.#keyBytes : keyText,
      item.schema,
      item.value,
      timestamp === 'none' ? null : this.#progress.object.modified * 1000,
      headers.length === 0 ? noHeaders : this.#headers(facts),
    );
  }

  #partition(facts: TemplateFacts): number | null {
    const { partition } = this.#templates;
    const text = partition === null ? this.#names.partition : partition.render(facts);
    if (text === undefined || text === null || text === '') return null;
    if (/^\d{1,9}$/.test(text)) return Number(text);
    throw new DataError(`${JSON.stringify(text.slice(0, 100))} is no partition: record.partition must give a number`);
  }

  #headers(facts: TemplateFacts): Headers {
    return this.#templates.headers.flatMap(({ name, template }) => {
      const value = template.render(facts);
      return value === null ? [] : [{ key: name, schema: STRING_SCHEMA, value }];
    });
  }

  /** `value`: the bytes in question, as far as they are known. */
  unreadable(error: Error, value: unknown, sourceOffset: SourceOffset): SourceRecord {
    const topic = this.#fixedTopic ?? '';
    const placed = new DataError(`${this.#place}: ${error.message}`, { cause: error });
    return SourceRecord.unreadable(placed, this.#sourcePartition, sourceOffset, topic, this.#keyBytes, value ?? null, [
      { key: 's3.bucket', schema: STRING_SCHEMA, value: this.#templates.bucket },
      { key: 's3.key', schema: STRING_SCHEMA, value: this.#progress.object.key },
    ]);
  }

  get #place(): string {
    const { object, version, records, position, skip } = this.#progress;
    const which = version === null ? `ETag ${object.etag}` : `version ${version}`;
    const at = skip === 0 ? `in front of position ${position}` : `${skip} behind position ${position}`;
    return `Record ${records} of object ${object.key} of ${this.#templates.bucket} (${which}), ${at}`;
  }
}
