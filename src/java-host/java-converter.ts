import type {
  Converter,
  ConverterRole,
  DataToRead,
  DataToSerialize,
  HeaderConverter,
  HeaderToRead,
  HeaderToSerialize,
  SerializedData,
  SerializedHeader,
  SerializedValue,
} from '../api/converter.ts';
import type { ItemOutcomes } from '../api/item-outcome.ts';
import type { Settings } from '../config/config-def.ts';
import type { Schema, SchemaAndValue } from '../data/schema.ts';
import type { DataReader } from './data-reader.ts';
import type { JavaSubject } from './java-error.ts';
import { JavaRecordPlugin, type ManyQuestions, onlyMany } from './java-record-plugin.ts';
import { mention } from './record-codec.ts';
import type { WarmHost } from './warm-host.ts';
import { type FrameReader, type FrameWriter, frameType } from './wire.ts';

const said = { nothing: 0, bytes: 1, nothingAndHeaders: 3, bytesAndHeaders: 4 } as const;

/** A converter of Java. */
export class JavaConverter extends JavaRecordPlugin implements Converter {
  constructor(warm: WarmHost, subject: JavaSubject) {
    super('converter', warm, subject);
  }

  configure(settings: Settings, { isKey }: ConverterRole): void {
    this.keep(settings, { isKey });
  }

  fromConnectDataAll(items: readonly DataToSerialize[]): ItemOutcomes<SerializedData> {
    return this.many(serialized(items));
  }

  toConnectDataAll(items: readonly DataToRead[]): ItemOutcomes<SchemaAndValue> {
    return this.many(read(items));
  }

  async fromConnectData(topic: string, schema: Schema | null, value: unknown) {
    return (await this.one(serialized([{ topic, headers: [], schema, value }]))).bytes;
  }

  toConnectData(topic: string, bytes: Uint8Array | null): Promise<SchemaAndValue> {
    return this.one(read([{ topic, headers: [], bytes }]));
  }
}

function serialized(items: readonly DataToSerialize[]): ManyQuestions<DataToSerialize, SerializedData> {
  let topics = new Map<string, number>();
  return {
    step: 'fromConnectData',
    frame: frameType.fromConnect,
    items,
    begin: () => {
      topics = new Map();
    },
    write: (out, data, { topic, headers, schema, value }) => {
      mention(out, topics, topic);
      writeHeaders(out, headers);
      data.schema(out, schema);
      data.value(out, schema, value);
    },
    read: (from, _data, what) => {
      const bytes = what === said.bytes || what === said.bytesAndHeaders ? from.bytes() : null;
      return { bytes, headers: what > said.bytes ? readHeaders(from) : null };
    },
  };
}

function read(items: readonly DataToRead[]): ManyQuestions<DataToRead, SchemaAndValue> {
  let topics = new Map<string, number>();
  return {
    step: 'toConnectData',
    frame: frameType.toConnect,
    items,
    begin: () => {
      topics = new Map();
    },
    write: (out, _data, { topic, headers, bytes }) => {
      mention(out, topics, topic);
      writeHeaders(out, headers);
      out.bytesOrNull(bytes);
    },
    read: readData,
  };
}

/** A header converter of Java. */
export class JavaHeaderConverter extends JavaRecordPlugin implements HeaderConverter {
  constructor(warm: WarmHost, subject: JavaSubject) {
    super('headerConverter', warm, subject);
  }

  configure(settings: Settings): void {
    this.keep(settings);
  }

  fromConnectHeaderAll(items: readonly HeaderToSerialize[]): ItemOutcomes<SerializedValue> {
    let topics = new Map<string, number>();
    return this.many({
      step: 'fromConnectHeader',
      frame: frameType.fromConnect,
      items,
      begin: () => {
        topics = new Map();
      },
      write: (out, data, { topic, key, schema, value }) => {
        mention(out, topics, topic);
        out.text(key);
        data.schema(out, schema);
        data.value(out, schema, value);
      },
      read: (from, _data, what) => (what === said.bytes ? from.bytes() : null),
    });
  }

  toConnectHeaderAll(items: readonly HeaderToRead[]): ItemOutcomes<SchemaAndValue> {
    let topics = new Map<string, number>();
    return this.many({
      step: 'toConnectHeader',
      frame: frameType.toConnect,
      items,
      begin: () => {
        topics = new Map();
      },
      write: (out, _data, { topic, key, bytes }) => {
        mention(out, topics, topic);
        out.text(key).bytesOrNull(bytes);
      },
      read: readData,
    });
  }

  fromConnectHeader(): never {
    return onlyMany('fromConnectHeader');
  }

  toConnectHeader(): never {
    return onlyMany('toConnectHeader');
  }
}

function readData(from: FrameReader, data: DataReader): SchemaAndValue {
  const schema = data.schema(from);
  return { schema, value: data.value(from, schema) };
}

function writeHeaders(out: FrameWriter, headers: readonly SerializedHeader[]): void {
  out.uint(headers.length);
  for (const { key, value } of headers) out.text(key).bytesOrNull(value);
}

function readHeaders(from: FrameReader): SerializedHeader[] {
  const headers: SerializedHeader[] = [];
  for (let left = from.uint(); left > 0; left--) headers.push({ key: from.text(), value: from.bytesOrNull() });
  return headers;
}
