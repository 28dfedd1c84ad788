import { confluentS3Sink } from '../../connectors/s3/plugin.ts';
import { plainAvro } from '../../src/plugins/converters/avro/plain-avro.ts';
import { ConnectorBench } from '../../src/testing/index.ts';
import { MemoryS3 } from './memory-s3.ts';

/** A store, and Confluent's S3 sink on a bench. */
export interface S3SinkBench {
  readonly store: MemoryS3;
  readonly bench: ConnectorBench;
}

export async function openS3Sink(): Promise<S3SinkBench> {
  return { store: await MemoryS3.start(), bench: new ConnectorBench(confluentS3Sink(async () => plainAvro)) };
}

export async function closeS3Sink({ store, bench }: S3SinkBench): Promise<void> {
  await bench.close();
  await store[Symbol.asyncDispose]();
}
