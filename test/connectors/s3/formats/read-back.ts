import avsc from 'avsc';
import { parquetReadObjects } from 'hyparquet';

/** What a file holds, by the end of its name, read by libraries and not by what wrote it; Avro's and JSON's as they come. */
export async function readBack(name: string, bytes: Buffer): Promise<unknown[]> {
  if (name.endsWith('.parquet')) {
    const { buffer, byteOffset, length } = bytes;
    return parquetReadObjects({ file: buffer.slice(byteOffset, byteOffset + length) as ArrayBuffer });
  }
  if (name.endsWith('.avro')) {
    const decoder = new avsc.streams.BlockDecoder();
    const rows: unknown[] = [];
    decoder.on('data', (row: object) => rows.push(JSON.parse(JSON.stringify(row))));
    const ended = new Promise((resolve, reject) => decoder.once('end', resolve).once('error', reject));
    decoder.end(bytes);
    await ended;
    return rows;
  }
  const text = bytes.toString();
  if (name.endsWith('.array')) return JSON.parse(text) as unknown[];
  const lines = text.split('\n').filter((line) => line !== '');
  return /\.jsonl?$/.test(name) ? lines.map((line) => JSON.parse(line) as unknown) : lines;
}
