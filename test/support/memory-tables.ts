import { type StreamRecord, streamRecordOf } from '../../connectors/dynamodb/change.ts';
import { type Item, parseItem } from '../../connectors/dynamodb/item.ts';
import type { OpenTables, ScanPage, ScanRequest, TableFacts, Tables } from '../../connectors/dynamodb/tables.ts';
import type { ShardedStream } from '../../connectors/shard-walk.ts';
import { MemoryShards } from './memory-shards.ts';

/** What an event of Lambda holds of one change; the SDK's records differ in their dates and bytes alone. */
export function streamEvent(
  eventName: string,
  sequenceNumber: number | string,
  id: string,
  more: Readonly<Record<string, unknown>> = {},
) {
  const item = { id: { S: id }, n: { N: String(sequenceNumber) } };
  return {
    eventID: `event-${sequenceNumber}`,
    eventName,
    eventVersion: '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion: 'us-east-1',
    dynamodb: {
      ApproximateCreationDateTime: 1_764_368_000,
      Keys: { id: { S: id } },
      ...(eventName === 'REMOVE' ? { OldImage: item } : { NewImage: item }),
      SequenceNumber: String(sequenceNumber),
      SizeBytes: 26,
      StreamViewType: 'NEW_AND_OLD_IMAGES',
      ...more,
    },
    eventSourceARN: 'arn:aws:dynamodb:us-east-1:000000000000:table/orders/stream/2026-11-28T22:00:00.000',
  };
}

/** One table, whose items a snapshot reads in the order of their making, and its stream. */
export class MemoryTable {
  readonly stream = new MemoryShards<StreamRecord>({ sequenceNumberOf: (record) => record.sequenceNumber ?? '' });
  readonly items: Item[] = [];
  hasStream = true;
  scans = 0;

  addItems(...ids: readonly string[]): void {
    for (const id of ids) this.items.push(parseItem({ id: { S: id }, n: { N: '0' } }, 'item'));
  }

  change(shard: string, ...events: readonly unknown[]): void {
    this.stream.add(shard, events.map(streamRecordOf));
  }

  readonly open: OpenTables = async (): Promise<Tables> => ({
    describe: async (): Promise<TableFacts> => ({ keyNames: ['id'], streamArn: this.hasStream ? 'arn' : null }),
    scan: async (_table: string, request: ScanRequest) => this.#scan(request),
    stream: () => this.stream,
    close: () => {},
  });

  #scan({ segment, segments, behind, most }: ScanRequest): ScanPage {
    this.scans++;
    const mine = this.items.filter((_, at) => at % segments === segment);
    const idOf = (item: Item | null) => item?.get('id')?.value;
    const from = behind === null ? 0 : mine.findIndex((item) => idOf(item) === idOf(behind)) + 1;
    const items = mine.slice(from, from + most);
    const last = items.at(-1);
    // As the service does: a page that is full says that more may follow, even at the end.
    return { items, behind: items.length < most || last === undefined ? null : new Map([['id', last.get('id')!]]) };
  }
}

/** A table of so many items that are made as they are read, and a stream of as many changes. */
export function largeTable(items: number, itemBytes: number): OpenTables {
  const image = (number: number) => ({ id: { S: `item ${number}` }, filler: { S: 'x'.repeat(itemBytes) } });
  const pageItems = 100;
  const itemsFrom = (from: number, most: number) =>
    Array.from({ length: Math.max(0, Math.min(most, items - from)) }, (_, at) => from + at);
  const stream: ShardedStream<StreamRecord> = {
    shards: async () => [{ id: 'shard', parents: [] }],
    iterator: async (_shard, start) => ('sequenceNumber' in start ? String(Number(start.sequenceNumber) + 1) : '0'),
    read: async (iterator) => {
      const from = Number(iterator);
      const numbers = itemsFrom(from, pageItems);
      const events = numbers.map((number) => streamEvent('INSERT', number, 'a', { NewImage: image(number) }));
      return { records: events.map(streamRecordOf), next: String(from + numbers.length), behindMs: null };
    },
    sequenceNumberOf: ({ sequenceNumber }) => sequenceNumber ?? '',
    sizeOf: () => itemBytes,
  };
  return async () => ({
    describe: async () => ({ keyNames: ['id'], streamArn: 'arn' }),
    scan: async (_table, { segment, segments, behind, most }) => {
      const mine = Math.ceil(items / segments);
      const from = behind === null ? 0 : Number(String(behind.get('id')?.value).split(' ')[1]) - segment * mine + 1;
      const numbers = itemsFrom(0, mine).slice(from, from + most);
      const page = numbers.map((number) => parseItem(image(segment * mine + number), 'item'));
      return { items: page, behind: from + page.length < mine ? new Map([['id', page.at(-1)!.get('id')!]]) : null };
    },
    stream: () => stream,
    close: () => {},
  });
}
