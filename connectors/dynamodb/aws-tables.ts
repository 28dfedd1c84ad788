import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import { awsError } from '../aws-errors.ts';
import type { Shard, ShardedStream, ShardPage, ShardStart } from '../shard-walk.ts';
import { type StreamRecord, streamRecordOf } from './change.ts';
import { parseItem, sdkItem } from './item.ts';
import type { DynamoDbSettings } from './settings.ts';
import type { ScanPage, ScanRequest, TableFacts, Tables } from './tables.ts';

type Sdk = typeof import('./sdk.ts');

/** Most that the service gives. */
const recordsAtOnce = 1000;

/** DynamoDB itself. The clients are loaded here, not when the function starts. */
export async function openAwsTables(settings: DynamoDbSettings, signal: AbortSignal): Promise<Tables> {
  return new AwsTables(await import('./sdk.ts'), settings, signal);
}

class AwsTables implements Tables {
  readonly #sdk: Sdk;
  readonly #client: DynamoDBClient;
  readonly #settings: DynamoDbSettings;
  readonly #signal: AbortSignal;
  #streams: DynamoDBStreamsClient | null = null;

  constructor(sdk: Sdk, settings: DynamoDbSettings, signal: AbortSignal) {
    this.#sdk = sdk;
    this.#settings = settings;
    this.#signal = signal;
    this.#client = new sdk.DynamoDBClient(clientConfig(settings));
  }

  async describe(table: string): Promise<TableFacts> {
    const { Table: found } = await this.#ask(`The table ${table} cannot be looked at`, (options) =>
      this.#client.send(new this.#sdk.DescribeTableCommand({ TableName: table }), options),
    );
    const keys = [...(found?.KeySchema ?? [])].sort((one) => (one.KeyType === 'HASH' ? -1 : 1));
    const enabled = found?.StreamSpecification?.StreamEnabled === true;
    return {
      keyNames: keys.flatMap(({ AttributeName: name }) => name ?? []),
      streamArn: enabled ? (found?.LatestStreamArn ?? null) : null,
    };
  }

  async scan(table: string, { segment, segments, behind, most }: ScanRequest): Promise<ScanPage> {
    const command = new this.#sdk.ScanCommand({
      TableName: table,
      ConsistentRead: true,
      Limit: most,
      ...(segments === 1 ? {} : { Segment: segment, TotalSegments: segments }),
      ...(behind === null ? {} : { ExclusiveStartKey: sdkItem(behind) as Record<string, AttributeValue> }),
    });
    const { Items: items = [], LastEvaluatedKey: last } = await this.#ask(
      `The table ${table} cannot be scanned`,
      (options) => this.#client.send(command, options),
    );
    return {
      items: items.map((item) => parseItem(item, table)),
      behind: last === undefined ? null : parseItem(last, 'LastEvaluatedKey'),
    };
  }

  stream(streamArn: string): ShardedStream<StreamRecord> {
    this.#streams ??= new this.#sdk.DynamoDBStreamsClient(clientConfig(this.#settings));
    return new AwsTableStream(this.#sdk, this.#streams, streamArn, this.#signal);
  }

  close(): void {
    this.#client.destroy();
    this.#streams?.destroy();
  }

  #ask<T>(what: string, ask: (options: { abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
    return asking(what, this.#signal, ask);
  }
}

class AwsTableStream implements ShardedStream<StreamRecord> {
  readonly #sdk: Sdk;
  readonly #client: DynamoDBStreamsClient;
  readonly #arn: string;
  readonly #signal: AbortSignal;

  constructor(sdk: Sdk, client: DynamoDBStreamsClient, arn: string, signal: AbortSignal) {
    this.#sdk = sdk;
    this.#client = client;
    this.#arn = arn;
    this.#signal = signal;
  }

  async shards(): Promise<readonly Shard[]> {
    const shards: Shard[] = [];
    let behind: string | undefined;
    do {
      const { StreamDescription: stream } = await this.#ask('cannot be looked at', (options) =>
        this.#client.send(
          new this.#sdk.DescribeStreamCommand({ StreamArn: this.#arn, ExclusiveStartShardId: behind }),
          options,
        ),
      );
      for (const { ShardId: id, ParentShardId: parent } of stream?.Shards ?? []) {
        if (id !== undefined) shards.push({ id, parents: parent === undefined ? [] : [parent] });
      }
      behind = stream?.LastEvaluatedShardId;
    } while (behind !== undefined);
    return shards;
  }

  async iterator(shard: string, start: ShardStart): Promise<string> {
    // A stream of DynamoDB cannot be read from a time on.
    const at = start.at === 'AT_TIMESTAMP' ? 'TRIM_HORIZON' : start.at;
    const position = 'sequenceNumber' in start ? { SequenceNumber: start.sequenceNumber } : {};
    const { ShardIterator: iterator } = await this.#ask(`cannot be read at its shard ${shard}`, (options) =>
      this.#client.send(
        new this.#sdk.GetShardIteratorCommand({
          StreamArn: this.#arn,
          ShardId: shard,
          ShardIteratorType: at,
          ...position,
        }),
        options,
      ),
    );
    return iterator!;
  }

  async read(iterator: string): Promise<ShardPage<StreamRecord>> {
    const { Records: records = [], NextShardIterator: next } = await this.#ask('cannot be read', (options) =>
      this.#client.send(new this.#sdk.GetRecordsCommand({ ShardIterator: iterator, Limit: recordsAtOnce }), options),
    );
    return { records: records.map(streamRecordOf), next: next ?? null, behindMs: null };
  }

  sequenceNumberOf(record: StreamRecord): string {
    return record.sequenceNumber ?? '';
  }

  sizeOf(record: StreamRecord): number {
    return record.bytes ?? JSON.stringify(record.given).length;
  }

  #ask<T>(what: string, ask: (options: { abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
    return asking(`The stream ${this.#arn} ${what}`, this.#signal, ask);
  }
}

async function asking<T>(
  what: string,
  signal: AbortSignal,
  ask: (options: { abortSignal: AbortSignal }) => Promise<T>,
): Promise<T> {
  try {
    return await ask({ abortSignal: signal });
  } catch (error) {
    throw awsError(what, error);
  }
}

function clientConfig(settings: DynamoDbSettings) {
  const region = settings['aws.region'];
  const endpoint = settings['dynamodb.service.endpoint'];
  const accessKeyId = settings['aws.access.key.id'];
  const secretAccessKey = settings['aws.secret.key'];
  return {
    ...(region === null ? {} : { region }),
    ...(endpoint === null ? {} : { endpoint }),
    ...(accessKeyId === null || secretAccessKey === null
      ? {}
      : { credentials: { accessKeyId: accessKeyId.reveal(), secretAccessKey: secretAccessKey.reveal() } }),
  };
}
