import type { LoadAvro } from '../../../src/api/index.ts';
import type { ByteSource, ObjectReader, ReadLimits } from './read.ts';
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

/** Begins to read where `position` says. Code that only one format needs is loaded with the first object of it. */
export async function openReader(source: ByteSource, position: number, options: ReadOptions): Promise<ObjectReader> {
  const { format, maxRecordBytes } = options;
  switch (format) {
    case 'jsonl':
      return (await import('./read-lines.ts')).openJsonLines(source, position, maxRecordBytes);
    case 'lines':
      return (await import('./read-lines.ts')).openLines(source, position, maxRecordBytes);
    case 'json':
      return (await import('./read-json.ts')).openJson(source, position, maxRecordBytes);
    case 'bytes': {
      const { openPieces, openWhole } = await import('./read-bytes.ts');
      const { pieceBytes } = options;
      return pieceBytes === 0 ? openWhole(source, position, maxRecordBytes) : openPieces(source, position, pieceBytes);
    }
    case 'csv':
      return (await import('./read-csv.ts')).openCsv(source, position, { ...options.csv, maxRecordBytes });
    case 'avro':
      return (await import('./read-avro.ts')).openAvro(source, position, options, await options.avro());
    case 'parquet':
      return (await import('./read-parquet.ts')).openParquet(source, position, options);
  }
}
