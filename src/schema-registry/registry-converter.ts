import type { Converter, ConverterRole, SerializedValue } from '../api/converter.ts';
import type { Settings } from '../config/config-def.ts';
import { parseConfig } from '../config/parse-config.ts';
import type { Schema, SchemaAndValue } from '../data/schema.ts';
import { ConfigError, ConnectError, DataError } from '../errors.ts';
import { BoundedMap } from './bounded-map.ts';
import {
  clientFor,
  type RegistrySchema,
  type ResolvedReferences,
  type SchemaRegistryClient,
  type SchemaType,
} from './client.ts';
import { toConnectError } from './errors.ts';
import { type RegistryConfig, registryConfig, restSettings } from './registry-config.ts';
import { schemaKey } from './schema-key.ts';
import { type SubjectNameStrategy, subjectNameStrategy } from './subject-name.ts';
import { badHeader, headerLength, readSchemaId } from './wire-format.ts';

/** A schema text that a format has understood, with what it needs to write and read by it. */
export interface ParsedSchema {
  readonly source: RegistrySchema;
  /** Full name of the record or message, or the title; null where there is none. */
  readonly recordName: string | null;
}

export type Write = (value: unknown) => SerializedValue;
/** A compiled writer, still without the schema's id. */
export type Writer = (id: number) => Write;
/** Reads the payload that follows the schema id. */
export type Read = (buffer: Buffer, start: number, end: number) => SchemaAndValue;

/** One of Avro, Protobuf and JSON Schema. All of it runs once per schema; what it returns runs once per record. */
export interface SchemaFormat<P extends ParsedSchema = ParsedSchema> {
  readonly type: SchemaType;
  /** As messages name it. */
  readonly name: string;
  /** Tells apart formats of different options in the shared cache. */
  readonly key: string;
  /** Null is a Kafka null unless the format writes nulls itself. */
  readonly writesNull: boolean;
  fromConnectSchema(schema: Schema | null): P;
  parse(source: RegistrySchema, references: ResolvedReferences): P;
  /** Why `reader` cannot read what `writer` writes; null when it can. */
  incompatibility(reader: P, writer: P): string | null | Promise<string | null>;
  writer(schema: Schema | null, parsed: P): Writer | Promise<Writer>;
  reader(parsed: P, version: number | null): Read | Promise<Read>;
}

/** What a Connect schema comes to by itself, whatever the registry holds. */
interface Own<P> {
  readonly parsed: P;
  readonly writer: Writer;
}

interface Known<T> {
  readonly use: T;
  /** Epoch milliseconds; infinite unless the latest version has a time to live. */
  readonly until: number;
}

const nothing: SchemaAndValue = Object.freeze({ schema: null, value: null });

/**
 * A converter that keeps its schemas in a registry. The first record of a schema waits for the registry; every later
 * one finds its compiled writer or reader by identity and is converted at once, without a promise.
 */
export abstract class RegistryConverter<P extends ParsedSchema = ParsedSchema> implements Converter {
  #config: RegistryConfig | null = null;
  #client: SchemaRegistryClient | null = null;
  #format: SchemaFormat<P> | null = null;
  #strategy: SubjectNameStrategy | null = null;
  #isKey = false;
  #writers = new BoundedMap<Schema | null, Map<string, Known<Write>>>(1);
  #readers = new Map<string, BoundedMap<number, Read>>();
  /** Of schemas that are not registered yet. */
  #unregistered = new BoundedMap<Schema | null, Promise<Own<P>>>(1);
  readonly #pending = new Map<string, Promise<unknown>>();
  readonly #now: () => number;

  // The writer and the reader used last: nearly every record asks for them again.
  #lastSchema: Schema | null = null;
  #lastWriteTopic: string | null = null;
  #lastWrite: Write | null = null;
  #lastReadTopic: string | null = null;
  #lastId = -1;
  #lastRead: Read | null = null;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  protected abstract openFormat(settings: Settings): SchemaFormat<P>;

  configure(settings: Settings, role: ConverterRole): void {
    const config = parseConfig(registryConfig, settings);
    const strategyKey = role.isKey ? 'key.subject.name.strategy' : 'value.subject.name.strategy';
    this.#config = config;
    this.#isKey = role.isKey;
    this.#strategy = subjectNameStrategy(strategyKey, config[strategyKey], role.isKey);
    this.#client = clientFor(restSettings(config, settings), config['max.schemas.per.subject']);
    this.#format = this.openFormat(settings);
    this.#writers = new BoundedMap(config['schemas.cache.config']);
    this.#unregistered = new BoundedMap(config['schemas.cache.config']);
    this.#readers = new Map();
    this.#lastWrite = null;
    this.#lastRead = null;
  }

  fromConnectData(topic: string, schema: Schema | null, value: unknown): SerializedValue | Promise<SerializedValue> {
    if (this.#lastWrite !== null && schema === this.#lastSchema && topic === this.#lastWriteTopic && value !== null) {
      try {
        return this.#lastWrite(value);
      } catch (error) {
        throw this.#failedToWrite(topic, error);
      }
    }
    return this.#write(topic, schema, value ?? null);
  }

  #write(topic: string, schema: Schema | null, value: unknown): SerializedValue | Promise<SerializedValue> {
    const format = this.#formatOrThrow();
    if (value === null) {
      if (schema === null) return null;
      if (!format.writesNull) {
        if (schema.optional) return null;
        throw this.#failedToWrite(topic, new DataError('Found null value for non-optional schema'));
      }
    }
    const known = this.#writers.get(schema)?.get(topic);
    if (known !== undefined && (known.until === Number.POSITIVE_INFINITY || this.#now() < known.until)) {
      if (known.until === Number.POSITIVE_INFINITY) {
        this.#lastSchema = schema;
        this.#lastWriteTopic = topic;
        this.#lastWrite = known.use;
      }
      try {
        return known.use(value);
      } catch (error) {
        throw this.#failedToWrite(topic, error);
      }
    }
    return this.#writeFirst(topic, schema, value);
  }

  async #writeFirst(topic: string, schema: Schema | null, value: unknown): Promise<SerializedValue> {
    try {
      // Nothing is registered for a record that cannot be written.
      if (this.#config!['auto.register.schemas']) (await this.#ownOf(schema)).writer(0)(value);
      // Equal schemas of different identity share the wait, not the writer, which is bound to the schema it was made for.
      const known = await this.#once(`write ${topic} ${schema === null ? '' : schemaKey(schema)}`, schema, () =>
        this.#openWriter(topic, schema),
      );
      let byTopic = this.#writers.get(schema);
      if (byTopic === undefined) {
        byTopic = new Map();
        this.#writers.set(schema, byTopic);
      }
      if (byTopic.size >= 10_000) byTopic.clear();
      byTopic.set(topic, known);
      return known.use(value);
    } catch (error) {
      throw this.#failedToWrite(topic, error);
    }
  }

  async #openWriter(topic: string, schema: Schema | null): Promise<Known<Write>> {
    const format = this.#formatOrThrow();
    const config = this.#config!;
    const client = this.#client!;
    const normalize = config['normalize.schemas'];
    const forEver = Number.POSITIVE_INFINITY;
    if (config['auto.register.schemas']) {
      const { parsed, writer } = await this.#ownOf(schema);
      const subject = this.#strategy!.subjectFor(topic, parsed.recordName);
      const id = await asking(`Error registering ${format.name} schema for subject ${subject}`, () =>
        client.register(subject, parsed.source, normalize),
      );
      this.#unregistered.delete(schema);
      return { use: writer(id), until: forEver };
    }
    const own = format.fromConnectSchema(schema);
    const subject = this.#strategy!.subjectFor(topic, own.recordName);
    const fixedId = config['use.schema.id'];
    if (fixedId >= 0) {
      const source = await asking('Error retrieving schema ID', () => client.schemaById(fixedId, subject));
      const parsed = await this.#parse(source);
      if (config['id.compatibility.strict']) await this.#checkCompatible(parsed, own, 'id.compatibility.strict');
      return { use: (await format.writer(schema, parsed))(fixedId), until: forEver };
    }
    const metadata = config['use.latest.with.metadata'];
    if (metadata !== null || config['use.latest.version']) {
      const ttlMs = config['latest.cache.ttl.sec'] * 1000;
      const latest = await asking(
        `Error retrieving latest version of ${format.name} schema of subject ${subject}`,
        () =>
          metadata === null
            ? client.latest(subject, ttlMs)
            : client.latestWithMetadata(subject, parseMetadata(metadata), ttlMs),
      );
      const parsed = await this.#parse(latest);
      if (metadata === null && config['latest.compatibility.strict']) {
        await this.#checkCompatible(parsed, own, 'latest.compatibility.strict');
      }
      const writer = await format.writer(schema, parsed);
      return { use: writer(latest.id), until: ttlMs < 0 ? forEver : this.#now() + ttlMs };
    }
    const id = await asking(`Error retrieving ${format.name} schema of subject ${subject}: ${own.source.schema}`, () =>
      client.lookUp(subject, own.source, normalize),
    );
    return { use: (await format.writer(schema, own))(id), until: forEver };
  }

  #ownOf(schema: Schema | null): Promise<Own<P>> {
    let own = this.#unregistered.get(schema);
    if (own === undefined) {
      own = this.#compileOwn(schema);
      this.#unregistered.set(schema, own);
    }
    return own;
  }

  async #compileOwn(schema: Schema | null): Promise<Own<P>> {
    const format = this.#formatOrThrow();
    const parsed = format.fromConnectSchema(schema);
    return { parsed, writer: await format.writer(schema, parsed) };
  }

  async #checkCompatible(reader: P, writer: P, setting: string): Promise<void> {
    const problem = await this.#formatOrThrow().incompatibility(reader, writer);
    if (problem !== null) {
      throw new DataError(
        `Incompatible schema of type '${reader.source.schemaType}': ${problem}. Set ${setting}=false to disable this check.`,
        { code: 'registry.incompatible' },
      );
    }
  }

  toConnectData(topic: string, bytes: Uint8Array | null): SchemaAndValue | Promise<SchemaAndValue> {
    if (bytes === null) return nothing;
    const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return this.readConnectData(topic, buffer, 0, buffer.length);
  }

  readConnectData(topic: string, buffer: Buffer, start: number, end: number): SchemaAndValue | Promise<SchemaAndValue> {
    try {
      const id = readSchemaId(buffer, start, end);
      if (id < 0) throw badHeader(buffer, start, end);
      if (id === this.#lastId && topic === this.#lastReadTopic && this.#lastRead !== null) {
        return this.#lastRead(buffer, start + headerLength, end);
      }
      const read = this.#readers.get(topic)?.get(id);
      if (read !== undefined) {
        this.#lastId = id;
        this.#lastReadTopic = topic;
        this.#lastRead = read;
        return read(buffer, start + headerLength, end);
      }
      // The buffer may be reused while the registry is asked.
      return this.#readFirst(topic, id, Buffer.from(buffer.subarray(start, end)));
    } catch (error) {
      throw this.#failedToRead(topic, error);
    }
  }

  async #readFirst(topic: string, id: number, bytes: Buffer): Promise<SchemaAndValue> {
    try {
      const read = await this.#once(`read ${topic} ${id}`, null, () => this.#openReader(topic, id));
      let byId = this.#readers.get(topic);
      if (byId === undefined) {
        if (this.#readers.size >= 10_000) this.#readers.clear();
        byId = new BoundedMap(this.#config!['schemas.cache.config']);
        this.#readers.set(topic, byId);
      }
      byId.set(id, read);
      return read(bytes, headerLength, bytes.length);
    } catch (error) {
      throw this.#failedToRead(topic, error);
    }
  }

  async #openReader(topic: string, id: number): Promise<Read> {
    const format = this.#formatOrThrow();
    const client = this.#client!;
    const strategy = this.#strategy!;
    const doing = `Error retrieving ${format.name} ${this.#isKey ? 'key' : 'value'} schema for id ${id}`;
    const known = strategy.usesSchema ? null : strategy.subjectFor(topic, null);
    const source = await asking(doing, () => client.schemaById(id, known));
    if (source.schemaType !== format.type) {
      throw new DataError(`The schema with id ${id} is of type ${source.schemaType}, not ${format.type}`);
    }
    const parsed = await this.#parse(source);
    const subject = known ?? strategy.subjectFor(topic, parsed.recordName);
    const version = await asking(`${doing}: version`, () => client.versionOf(subject, source));
    // By content: in another context of the registry the same id may be another schema.
    const key = `${format.key} ${version} ${JSON.stringify(source.references)} ${source.schema}`;
    const compiled = client.compiled.get(key) as Read | undefined;
    if (compiled !== undefined) return compiled;
    const read = await format.reader(parsed, version);
    client.compiled.set(key, read);
    return read;
  }

  async #parse(source: RegistrySchema): Promise<P> {
    const references = await asking(`Error retrieving what a ${source.schemaType} schema refers to`, () =>
      this.#client!.resolveReferences(source),
    );
    return this.#formatOrThrow().parse(source, references);
  }

  /** Records that arrive while the first of their kind waits share its wait. */
  #once<T>(key: string, identity: Schema | null, open: () => Promise<T>): Promise<T> {
    const full = identity === null ? key : `${identityOf(identity)} ${key}`;
    const pending = this.#pending.get(full);
    if (pending !== undefined) return pending as Promise<T>;
    const opening = open().finally(() => this.#pending.delete(full));
    this.#pending.set(full, opening);
    return opening;
  }

  #formatOrThrow(): SchemaFormat<P> {
    if (this.#format === null) throw new ConfigError('The converter was used before it was configured');
    return this.#format;
  }

  #failedToWrite(topic: string, error: unknown): ConnectError {
    return explain(`Failed to serialize ${this.#format?.name} data from topic ${topic}`, error);
  }

  #failedToRead(topic: string, error: unknown): ConnectError {
    return explain(`Failed to deserialize data for topic ${topic} to ${this.#format?.name}`, error);
  }
}

const identities = new WeakMap<Schema, number>();
let nextIdentity = 0;

function identityOf(schema: Schema): number {
  let identity = identities.get(schema);
  if (identity === undefined) {
    identity = nextIdentity++;
    identities.set(schema, identity);
  }
  return identity;
}

async function asking<T>(doing: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw toConnectError(error, doing);
  }
}

/** Data errors say which topic they concern; what is retriable or about access stays what it is. */
function explain(doing: string, error: unknown): ConnectError {
  if (error instanceof ConnectError) {
    if (error.javaClass !== 'DataException' && error.javaClass !== 'SerializationException') return error;
    return new DataError(`${doing}: ${error.message}`, { cause: error, code: error.code });
  }
  return new DataError(`${doing}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}

function parseMetadata(text: string): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const pair of text.split(',')) {
    const at = pair.indexOf('=');
    if (at <= 0) {
      throw new ConfigError(`Invalid value ${text} for configuration use.latest.with.metadata: expected key=value`, {
        key: 'use.latest.with.metadata',
      });
    }
    metadata[pair.slice(0, at).trim()] = pair.slice(at + 1).trim();
  }
  return metadata;
}
