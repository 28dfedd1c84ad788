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

/** None of them begins a text. */
const packedBeginnings: readonly (readonly [string, Buffer])[] = [
  ['gzip', Buffer.from([0x1f, 0x8b])],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a])],
  ['zip', Buffer.from([0x50, 0x4b, 0x03, 0x04])],
];

/** The same object; DataError where it is packed and nobody has said so: it would be as many bad records as it has lines. */
function unpackedText(source: ByteSource): ByteSource {
  return {
    size: source.size,
    slice: (start, end) => source.slice(start, end),
    async *chunks(from, reused) {
      let isStart = from === 0;
      for await (const piece of source.chunks(from, reused)) {
        const [packing] = (isStart && packedBeginnings.find(([, bytes]) => piece.indexOf(bytes) === 0)) || [];
        if (packing !== undefined) {
          throw new DataError(
            `The object is no text but packed by ${packing}: file.compression.type says how it is packed`,
          );
        }
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
      return (await import('./read-lines.ts')).openJsonLines(unpackedText(source), position, maxRecordBytes, skip);
    case 'lines':
      return (await import('./read-lines.ts')).openLines(unpackedText(source), position, maxRecordBytes, skip);
    case 'json':
      return (await import('./read-json.ts')).openJson(unpackedText(source), position, maxRecordBytes, skip);
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
      return (await import('./read-csv.ts')).openCsv(unpackedText(source), position, {
        ...options.csv,
        maxRecordBytes,
      });
    case 'avro':
      return (await import('./read-avro.ts')).openAvro(source, position, options, await options.avro());
    case 'parquet':
      return (await import('./read-parquet.ts')).openParquet(source, position, options);
  }
}
