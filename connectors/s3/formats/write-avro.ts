import { crc32, deflateRawSync, zstdCompressSync } from 'node:zlib';
import type { Type } from 'avsc';
import { DataError, type Schema, type SinkRecord } from '../../../src/api/index.ts';
import { type AvroMapping, avroMapping } from './avro-schema.ts';
import { loadSnappy, type RawSnappy } from './compress.ts';
import { Rows, rowKind } from './record-parts.ts';
import type { RecordWriter, TakeReason, WriterFactory, WriterOptions, WriterSpec } from './record-writer.ts';

type Avsc = typeof import('avsc');

const blockBytes = 256 << 10;
const magic = Buffer.from('Obj\u0001', 'latin1');
/** As files name them. */
const codecNames = { none: 'null', gzip: 'deflate', snappy: 'snappy', zstd: 'zstandard' } as const;

/** Avro's object container files; records of one schema each. */
export async function avroFiles(): Promise<WriterFactory> {
  const { default: avsc } = await import('avsc');
  const snappy = await loadSnappy();
  const types = new WeakMap<Schema, TypedMapping>();
  const typeOf = (schema: Schema) => {
    let typed = types.get(schema);
    if (typed === undefined) {
      const mapping = avroMapping(schema);
      typed = { ...mapping, type: parseType(avsc, mapping) };
      types.set(schema, typed);
    }
    return typed;
  };
  return {
    open: (options) => new AvroWriter(options, typeOf, snappy),
    kindOf: (record, { shape }) => rowKind(record, shape),
  };
}

interface TypedMapping extends AvroMapping {
  readonly type: Type;
}

/** Longs are bigints here, as everywhere; unions are told apart by what is in them. */
function parseType(avsc: Avsc, { schema }: AvroMapping): Type {
  const long = avsc.types.LongType.__with({
    fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
    toBuffer: (value: bigint) => {
      const buffer = Buffer.allocUnsafe(8);
      buffer.writeBigInt64LE(value);
      return buffer;
    },
    fromJSON: BigInt,
    toJSON: String,
    isValid: (value: unknown) => typeof value === 'bigint',
    compare: (one: bigint, other: bigint) => (one === other ? 0 : one < other ? -1 : 1),
  });
  const isLong = (one: unknown) => one === 'long' || (one as { type?: unknown } | null)?.type === 'long';
  return avsc.Type.forSchema(schema as never, {
    typeHook: (one) => (isLong(one) ? long : undefined) as Type,
    wrapUnions: false,
  });
}

class AvroWriter implements RecordWriter {
  readonly #spec: WriterSpec;
  readonly #mark: Uint8Array;
  readonly #typeOf: (schema: Schema) => TypedMapping;
  readonly #snappy: RawSnappy;
  readonly #rows: Rows;
  #begun: boolean;
  #block: Buffer[] = [];
  #blockBytes = 0;
  #ready: Uint8Array[] = [];
  #readyBytes = 0;

  constructor(options: WriterOptions, typeOf: (schema: Schema) => TypedMapping, snappy: RawSnappy) {
    const { spec, mark, resumed } = options;
    this.#spec = spec;
    this.#mark = mark;
    this.#typeOf = typeOf;
    this.#snappy = snappy;
    this.#rows = new Rows(spec.shape);
    this.#begun = resumed !== null;
  }

  add(record: SinkRecord): void {
    const { schema, value } = this.#rows.of(record);
    const { type, toAvro, schema: json } = this.#typeOf(schema);
    const bytes = encode(type, toAvro(value));
    if (!this.#begun) {
      this.#begun = true;
      this.#push(this.#header(json));
    }
    this.#block.push(bytes);
    this.#blockBytes += bytes.length;
    if (this.#blockBytes >= blockBytes) this.#endBlock();
  }

  #header(schema: AvroMapping['schema']): Buffer {
    const entries = [
      ['avro.codec', codecNames[this.#spec.compression]],
      ['avro.schema', JSON.stringify(schema)],
    ].flatMap((texts) => texts.flatMap((text) => [varint(Buffer.byteLength(text!)), Buffer.from(text!)]));
    return Buffer.concat([magic, varint(2), ...entries, varint(0), this.#mark]);
  }

  #endBlock(): void {
    if (this.#block.length === 0) return;
    const packed = this.#pack(Buffer.concat(this.#block));
    this.#push(varint(this.#block.length), varint(packed.length), packed, this.#mark);
    this.#block = [];
    this.#blockBytes = 0;
  }

  #pack(bytes: Buffer): Uint8Array {
    switch (this.#spec.compression) {
      case 'none':
        return bytes;
      case 'gzip':
        return deflateRawSync(bytes, this.#spec.level < 0 ? {} : { level: this.#spec.level });
      case 'zstd':
        return zstdCompressSync(bytes);
      case 'snappy': {
        const sum = Buffer.allocUnsafe(4);
        sum.writeUInt32BE(crc32(bytes));
        return Buffer.concat([this.#snappy(bytes), sum]);
      }
    }
  }

  #push(...pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) {
      this.#ready.push(piece);
      this.#readyBytes += piece.length;
    }
  }

  get held(): number {
    return this.#blockBytes + this.#readyBytes;
  }

  take(reason: TakeReason): Uint8Array[] {
    if (reason !== 'ready') this.#endBlock();
    const ready = this.#ready;
    this.#ready = [];
    this.#readyBytes = 0;
    return ready;
  }

  save(): null {
    return null;
  }

  finish(): Uint8Array[] {
    return this.take('left');
  }
}

function encode(type: Type, value: unknown): Buffer {
  try {
    return type.toBuffer(value);
  } catch (error) {
    throw new DataError(`The record does not fit its Avro schema: ${(error as Error).message}`, { cause: error });
  }
}

/** A length or count, as Avro writes its longs. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value * 2;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
