import type { LoadAvro } from '../../../src/api/index.ts';
import type { FileFormat, WriterFactory } from './record-writer.ts';

/** Each format is loaded when a connector writes it. */
export async function loadWriter(format: FileFormat, avro: LoadAvro): Promise<WriterFactory> {
  switch (format) {
    case 'avro':
      return (await import('./write-avro.ts')).avroFiles(await avro());
    case 'parquet':
      return (await import('./write-parquet.ts')).parquetFiles;
    case 'bytes':
      return (await import('./write-bytes.ts')).byteFiles(await compression());
    case 'csv':
      return (await import('./write-csv.ts')).csvFiles(await compression());
    case 'json':
    case 'jsonl':
      return (await import('./write-json.ts')).jsonFiles(await compression());
  }
}

async function compression() {
  return (await import('./compress.ts')).loadCompression();
}
