import type { KinesisClient } from '@aws-sdk/client-kinesis';
import { awsError } from '../aws-errors.ts';
import type { Shard, ShardPage, ShardStart } from '../shard-walk.ts';
import { type KinesisSettings, regionOf } from './settings.ts';
import type { StreamRecord } from './stream-record.ts';
import type { KinesisStream } from './streams.ts';

type Sdk = typeof import('./sdk.ts');

/** Kinesis itself. The client is loaded here, not when the function starts. */
export async function openAwsStream(settings: KinesisSettings, signal: AbortSignal): Promise<KinesisStream> {
  return new AwsStream(await import('./sdk.ts'), settings, signal);
}

class AwsStream implements KinesisStream {
  readonly #sdk: Sdk;
  readonly #client: KinesisClient;
  readonly #name: string;
  readonly #limit: number;
  readonly #signal: AbortSignal;

  constructor(sdk: Sdk, settings: KinesisSettings, signal: AbortSignal) {
    this.#sdk = sdk;
    this.#signal = signal;
    this.#name = settings['kinesis.stream'];
    this.#limit = settings['kinesis.record.limit'];
    this.#client = new sdk.KinesisClient(clientConfig(settings));
  }

  async shards(): Promise<readonly Shard[]> {
    const shards: Shard[] = [];
    let next: string | undefined;
    do {
      const input = next === undefined ? { StreamName: this.#name } : { NextToken: next };
      const { Shards: page = [], NextToken: token } = await this.#ask('cannot be looked at', (options) =>
        this.#client.send(new this.#sdk.ListShardsCommand(input), options),
      );
      for (const { ShardId: id, ParentShardId: parent, AdjacentParentShardId: other } of page) {
        if (id !== undefined) shards.push({ id, parents: [parent, other].filter((one) => one !== undefined) });
      }
      next = token;
    } while (next !== undefined);
    return shards;
  }

  async iterator(shard: string, start: ShardStart): Promise<string> {
    const position =
      'sequenceNumber' in start
        ? { StartingSequenceNumber: start.sequenceNumber }
        : 'timestamp' in start
          ? { Timestamp: new Date(start.timestamp) }
          : {};
    const { ShardIterator: iterator } = await this.#ask(`cannot be read at its shard ${shard}`, (options) =>
      this.#client.send(
        new this.#sdk.GetShardIteratorCommand({
          StreamName: this.#name,
          ShardId: shard,
          ShardIteratorType: start.at,
          ...position,
        }),
        options,
      ),
    );
    return iterator!;
  }

  async read(iterator: string): Promise<ShardPage<StreamRecord>> {
    const page = await this.#ask('cannot be read', (options) =>
      this.#client.send(new this.#sdk.GetRecordsCommand({ ShardIterator: iterator, Limit: this.#limit }), options),
    );
    const records = (page.Records ?? []).map((record) => ({
      sequenceNumber: record.SequenceNumber!,
      partitionKey: record.PartitionKey ?? null,
      data: record.Data ?? new Uint8Array(),
      arrivedAt: record.ApproximateArrivalTimestamp?.getTime() ?? null,
      shard: null,
    }));
    return { records, next: page.NextShardIterator ?? null, behindMs: page.MillisBehindLatest ?? null };
  }

  async retentionHours(): Promise<number> {
    const { StreamDescriptionSummary: summary } = await this.#ask('cannot be looked at', (options) =>
      this.#client.send(new this.#sdk.DescribeStreamSummaryCommand({ StreamName: this.#name }), options),
    );
    return summary?.RetentionPeriodHours ?? 24;
  }

  sequenceNumberOf(record: StreamRecord): string {
    return record.sequenceNumber;
  }

  sizeOf(record: StreamRecord): number {
    return record.data.length + 200;
  }

  close(): void {
    this.#client.destroy();
  }

  async #ask<T>(what: string, ask: (options: { abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
    try {
      return await ask({ abortSignal: this.#signal });
    } catch (error) {
      throw awsError(`The stream ${this.#name} ${what}`, error);
    }
  }
}

function clientConfig(settings: KinesisSettings) {
  const region = regionOf(settings);
  const endpoint = settings['kinesis.base.url'];
  const accessKeyId = settings['aws.access.key.id'];
  const secretAccessKey = settings['aws.secret.key.id'];
  return {
    ...(region === null ? {} : { region }),
    ...(endpoint === null ? {} : { endpoint }),
    ...(accessKeyId === null || secretAccessKey === null
      ? {}
      : { credentials: { accessKeyId, secretAccessKey: secretAccessKey.reveal() } }),
  };
}
