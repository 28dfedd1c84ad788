import { crc32, deflateRawSync, zstdCompressSync } from 'node:zlib';
import type { Avro, AvroEncoder, Schema, SinkRecord } from '../../../src/api/index.ts';
import { loadSnappy, type RawSnappy } from './compress.ts';
import { Rows, rowKind } from './record-parts.ts';
import type { RecordWriter, TakeReason, WriterFactory, WriterOptions, WriterSpec } from './record-writer.ts';

const blockBytes = 256 << 10;
const magic = Buffer.from('Obj\u0001', 'latin1');
/** As files name them. */
const codecNames = { none: 'null', gzip: 'deflate', snappy: 'snappy', zstd: 'zstandard' } as const;

/** Avro's object container files; records of one schema each. */
export async function avroFiles(avro: Avro): Promise<WriterFactory> {
  const snappy = await loadSnappy();
  const encoders = new WeakMap<Schema, AvroEncoder>();
  const encoderOf = (schema: Schema) => {
    let encoder = encoders.get(schema);
    if (encoder === undefined) {
      encoder = avro.encoder(schema);
      encoders.set(schema, encoder);
    }
    return encoder;
  };
  return {
    open: (options) => new AvroWriter(options, encoderOf, snappy),
    kindOf: (record, { shape }) => rowKind(record, shape),
  };
}

class AvroWriter implements RecordWriter {
  readonly #spec: WriterSpec;
  readonly #mark: Uint8Array;
  readonly #encoderOf: (schema: Schema) => AvroEncoder;
  readonly #snappy: RawSnappy;
  readonly #rows: Rows;
  #begun: boolean;
  #block: Uint8Array[] = [];
  #blockBytes = 0;
  #ready: Uint8Array[] = [];
  #readyBytes = 0;

  constructor(options: WriterOptions, encoderOf: (schema: Schema) => AvroEncoder, snappy: RawSnappy) {
    const { spec, mark, resumed } = options;
    this.#spec = spec;
    this.#mark = mark;
    this.#encoderOf = encoderOf;
    this.#snappy = snappy;
    this.#rows = new Rows(spec.shape);
    this.#begun = resumed !== null;
  }

  add(record: SinkRecord): void {
    const { schema, value } = this.#rows.of(record);
    const encoder = this.#encoderOf(schema);
    const bytes = encoder.encode(value);
    if (!this.#begun) {
      this.#begun = true;
      this.#push(this.#header(encoder.schemaText));
    }
    this.#block.push(bytes);
    this.#blockBytes += bytes.length;
    if (this.#blockBytes >= blockBytes) this.#endBlock();
  }

  #header(schemaText: string): Buffer {
    const entries = [
      ['avro.codec', codecNames[this.#spec.compression]],
      ['avro.schema', schemaText],
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

/** A length or count, as Avro writes its longs. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value * 2;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
