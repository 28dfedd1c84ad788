import type { Converter, HeaderConverter, SerializedValue } from '../../src/api/converter.ts';
import type { AnyPlugin, PluginKind } from '../../src/api/plugin.ts';
import type { SinkRecord, SourceRecord } from '../../src/api/record.ts';
import type { Predicate, Transformation } from '../../src/api/transformation.ts';
import type { Settings } from '../../src/config/config-def.ts';
import type { SchemaAndValue } from '../../src/data/schema.ts';
import { ConnectError } from '../../src/errors.ts';
import {
  decodeRecord,
  decodeSchema,
  decodeValue,
  encodeRecord,
  encodeSchema,
  encodeValue,
  type Json,
  type JsonRecord,
} from './oracle-codec.ts';

export type AnyRecord = SourceRecord | SinkRecord;

/** What the data oracle needs of the code under test; see oracle.ts. */
export interface OraclePlugins {
  find(name: string, kinds: readonly PluginKind[]): AnyPlugin | undefined;
  chain(settings: Settings, sink: boolean): Promise<(record: AnyRecord) => AnyRecord | null>;
  validate(name: string, settings: Settings): Promise<Json>;
  configDef(name: string, docs: boolean): Promise<Json>;
}

type Phase = 'input' | 'load' | 'configure' | 'apply';

/** Answers one line of the protocol; never throws. */
export async function answerLine(plugins: OraclePlugins, line: string): Promise<JsonRecord> {
  let id: Json | undefined;
  const operation = new Operation(plugins);
  try {
    const request = JSON.parse(line) as JsonRecord;
    id = request.id;
    return { ...(id === undefined ? {} : { id }), ...(await operation.run(request)) };
  } catch (error) {
    return { ...(id === undefined ? {} : { id }), error: errorJson(operation.phase, error) };
  }
}

function errorJson(phase: Phase, error: unknown): Json {
  if (!(error instanceof Error)) return { phase, class: 'Object', message: String(error) };
  const cause = error.cause instanceof Error ? error.cause : null;
  return {
    phase,
    class: className(error),
    message: error.message,
    ...(cause === null ? {} : { cause: className(cause) }),
  };
}

function className(error: Error): string {
  return error instanceof ConnectError ? error.javaClass : error.name;
}

class Operation {
  phase: Phase = 'input';
  readonly #plugins: OraclePlugins;

  constructor(plugins: OraclePlugins) {
    this.#plugins = plugins;
  }

  async run(request: JsonRecord): Promise<JsonRecord> {
    switch (request.op) {
      case 'fromConnectData':
      case 'fromConnectHeader':
        return await this.#fromConnect(request);
      case 'toConnectData':
      case 'toConnectHeader':
        return await this.#toConnect(request);
      case 'transform':
        return await this.#transform(request);
      case 'predicate':
        return await this.#predicate(request);
      case 'chain':
        return await this.#chain(request);
      case 'validate':
        this.phase = 'apply';
        return { values: await this.#plugins.validate(request.class as string, settingsOf(request)) };
      case 'configdef':
        this.phase = 'load';
        return (await this.#plugins.configDef(request.class as string, request.docs !== false)) as JsonRecord;
      default:
        throw new TypeError(`unknown op: ${String(request.op)}`);
    }
  }

  async #fromConnect(request: JsonRecord): Promise<JsonRecord> {
    const schema = decodeSchema(request.schema);
    const value = decodeValue(request.value, schema);
    const topic = request.topic as string;
    if (request.op === 'fromConnectHeader') {
      const converter = await this.#headerConverter(request);
      return serialized(converter.fromConnectHeader(topic, request.headerKey as string, schema, value));
    }
    const converter = await this.#converter(request);
    return serialized(await converter.fromConnectData(topic, schema, value));
  }

  async #toConnect(request: JsonRecord): Promise<JsonRecord> {
    const bytes = request.bytes == null ? null : Buffer.from(request.bytes as string, 'base64');
    const topic = request.topic as string;
    if (request.op === 'toConnectHeader') {
      const converter = await this.#headerConverter(request);
      return data(converter.toConnectHeader(topic, request.headerKey as string, bytes));
    }
    const converter = await this.#converter(request);
    return data(await converter.toConnectData(topic, bytes));
  }

  async #converter(request: JsonRecord): Promise<Converter> {
    const converter = (await this.#load(request.converter as string, ['converter'])) as Converter;
    this.phase = 'configure';
    converter.configure(settingsOf(request), { isKey: request.isKey === true });
    this.phase = 'apply';
    return converter;
  }

  async #headerConverter(request: JsonRecord): Promise<HeaderConverter> {
    const converter = (await this.#load(request.converter as string, ['header_converter'])) as HeaderConverter;
    this.phase = 'configure';
    converter.configure({ 'converter.type': 'header', ...settingsOf(request) });
    this.phase = 'apply';
    return converter;
  }

  async #load(name: string, kinds: readonly PluginKind[]): Promise<unknown> {
    this.phase = 'load';
    const plugin = this.#plugins.find(name, kinds);
    if (plugin === undefined) {
      throw new ConnectError('plugin.not_found', `Failed to find any class that matches ${name}`);
    }
    return await plugin.create();
  }

  async #transform(request: JsonRecord): Promise<JsonRecord> {
    const records = recordsOf(request);
    const transformation = (await this.#load(request.class as string, ['transformation'])) as Transformation;
    this.phase = 'configure';
    transformation.configure(settingsOf(request));
    return this.#applyAll(request, records, (record) => apply(transformation, record));
  }

  async #chain(request: JsonRecord): Promise<JsonRecord> {
    const records = recordsOf(request);
    const sink = (records[0] as AnyRecord).constructor.name === 'SinkRecord';
    this.phase = 'configure';
    const chain = await this.#plugins.chain(
      {
        name: 'c',
        'connector.class': sink ? 'FileStreamSink' : 'FileStreamSource',
        ...(sink ? { topics: 't' } : {}),
        ...settingsOf(request),
      },
      sink,
    );
    return this.#applyAll(request, records, chain);
  }

  #applyAll(
    request: JsonRecord,
    records: readonly AnyRecord[],
    transform: (record: AnyRecord) => AnyRecord | null,
  ): JsonRecord {
    this.phase = 'apply';
    if (request.records === undefined) return { record: encodeRecord(transform(records[0] as AnyRecord)) };
    return {
      records: records.map((record) => {
        try {
          return { record: encodeRecord(transform(record)) };
        } catch (error) {
          return { error: errorJson('apply', error) };
        }
      }),
    };
  }

  async #predicate(request: JsonRecord): Promise<JsonRecord> {
    const record = decodeRecord(request.record as JsonRecord);
    const predicate = (await this.#load(request.class as string, ['predicate'])) as Predicate;
    this.phase = 'configure';
    predicate.configure(settingsOf(request));
    this.phase = 'apply';
    return { result: predicate.test(record as SourceRecord) };
  }
}

function apply(transformation: Transformation, record: AnyRecord): AnyRecord | null {
  return transformation.apply(record as SourceRecord);
}

function recordsOf(request: JsonRecord): AnyRecord[] {
  const records = (request.records ?? [request.record]) as JsonRecord[];
  return records.map(decodeRecord);
}

function settingsOf(request: JsonRecord): Settings {
  const settings: Record<string, string> = {};
  for (const [name, value] of Object.entries((request.config ?? {}) as JsonRecord)) {
    if (value !== null) Object.defineProperty(settings, name, { value: String(value), enumerable: true });
  }
  return settings;
}

function serialized(value: SerializedValue): JsonRecord {
  return { bytes: value === null ? null : Buffer.from(value as string).toString('base64') };
}

function data(result: SchemaAndValue): JsonRecord {
  return { schema: encodeSchema(result.schema), value: encodeValue(result.value, result.schema) };
}
