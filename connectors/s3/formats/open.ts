import { DataError, type LoadAvro } from '../../../src/api/index.ts';
import { type ByteSource, type ObjectReader, type ReadLimits, skipping } from './read.ts';
import type { CsvOptions } from './read-csv.ts';

export const inputFormats = ['avro', 'bytes', 'csv', 'json', 'jsonl', 'lines', 'parquet'] as const;
export type InputFormat = (typeof inputFormats)[number];

export interface ReadOptions extends ReadLimits {
  readonly format: InputFormat;
  /** Bytes of a record of `bytes`; 0: the whole object is one. */
  readonly pieceBytes: number;
  readonly csv: Omit<CsvOptions, 'maxRecordBytes'>;
  readonly avro: LoadAvro;
}

/** None of them begins a text. What an object is that begins so, and what to do about it. */
const strangeBeginnings: readonly (readonly [string, readonly number[]])[] = [
  ...(
    [
      ['gzip', [0x1f, 0x8b]],
      ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
      ['snappy', [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59]],
      ['snappy', [0xff, 0x06, 0, 0, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59]],
      ['bzip2', [0x42, 0x5a, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59]],
      ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
      ['zip', [0x50, 0x4b, 0x03, 0x04]],
    ] as const
  ).map(([packing, bytes]) => [`packed by ${packing}: file.compression.type says how it is packed`, bytes] as const),
  // A word might begin a text: behind it stands what no text has there.
  ['Parquet: input.format says what it is', [0x50, 0x41, 0x52, 0x31, 0x15]],
  ['an Avro container: input.format says what it is', [0x4f, 0x62, 0x6a, 0x01]],
  ['UTF-16: write it as UTF-8', [0xff, 0xfe]],
  ['UTF-16: write it as UTF-8', [0xfe, 0xff]],
];
const longestBeginning = Math.max(...strangeBeginnings.map(([, bytes]) => bytes.length));

/** The same object; DataError where it is something else than text: it would be as many bad records as it has lines. */
function plainText(source: ByteSource): ByteSource {
  return {
    size: source.size,
    slice: (start, end) => source.slice(start, end),
    async *chunks(from, reused) {
      let isStart = from === 0;
      for await (const piece of source.chunks(from, reused)) {
        const beginning = isStart ? [...piece.subarray(0, longestBeginning)] : [];
        const strange = strangeBeginnings.find(([, bytes]) => bytes.every((byte, at) => byte === beginning[at]));
        if (strange !== undefined) throw new DataError(`The object is no text but ${strange[0]}`);
        isStart = false;
        yield piece;
      }
    },
  };
}

/**
 * Begins to read where `position` says, and leaves `skip` items out. Code that only one format needs is loaded with the
 * first object of it.
 */
export async function openReader(
  source: ByteSource,
  position: number,
  skip: number,
  options: ReadOptions,
): Promise<ObjectReader> {
  const { format, maxRecordBytes } = options;
  switch (format) {
    case 'jsonl':
      return (await import('./read-lines.ts')).openJsonLines(plainText(source), position, maxRecordBytes, skip);
    case 'lines':
      return (await import('./read-lines.ts')).openLines(plainText(source), position, maxRecordBytes, skip);
    case 'json':
      return (await import('./read-json.ts')).openJson(plainText(source), position, maxRecordBytes, skip);
    default: {
      const reader = await openBlocks(source, position, format, options);
      return skip === 0 ? reader : skipping(reader, skip);
    }
  }
}

async function openBlocks(
  source: ByteSource,
  position: number,
  format: Exclude<InputFormat, 'json' | 'jsonl' | 'lines'>,
  options: ReadOptions,
): Promise<ObjectReader> {
  const { maxRecordBytes } = options;
  switch (format) {
    case 'bytes': {
      const { openPieces, openWhole } = await import('./read-bytes.ts');
      const { pieceBytes } = options;
      return pieceBytes === 0 ? openWhole(source, position, maxRecordBytes) : openPieces(source, position, pieceBytes);
    }
    case 'csv':
      return (await import('./read-csv.ts')).openCsv(plainText(source), position, {
        ...options.csv,
        maxRecordBytes,
      });
    case 'avro':
      return (await import('./read-avro.ts')).openAvro(source, position, options, await options.avro());
    case 'parquet':
      return (await import('./read-parquet.ts')).openParquet(source, position, options);
  }
}
