import { DataError } from '../../src/api/index.ts';
import { type Item, parseItem } from './item.ts';

/** `r`: read by a snapshot; `c`, `u`, `d`: inserted, modified, removed. */
export type Operation = 'r' | 'c' | 'u' | 'd';

/** One record of a table's stream, or an item as a snapshot has read it. */
export interface Change {
  readonly op: Operation;
  readonly keys: Item;
  /** Null where the view of the stream leaves it out, or there was none. */
  readonly newImage: Item | null;
  readonly oldImage: Item | null;
  /** Epoch milliseconds, to the second. */
  readonly createdAt: number;
  /** Removed by time to live. */
  readonly expired: boolean;
}

/** What is known of a stream's record before it is read as a change. */
export interface StreamRecord {
  /** Null: not even that. */
  readonly sequenceNumber: string | null;
  readonly createdAt: number | null;
  /** Null: the event does not say. */
  readonly bytes: number | null;
  readonly given: unknown;
}

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

const operations: Readonly<Record<string, Operation>> = { INSERT: 'c', MODIFY: 'u', REMOVE: 'd' };

/** As Lambda and the SDK give it. Never throws: what is wrong with it shows when it is read. */
export function streamRecordOf(given: unknown): StreamRecord {
  const stream = isFields(given) && isFields(given.dynamodb) ? given.dynamodb : {};
  const { SequenceNumber: number, ApproximateCreationDateTime: created, SizeBytes: size } = stream;
  return {
    sequenceNumber: typeof number === 'string' && /^\d+$/.test(number) ? number : null,
    createdAt: created instanceof Date ? created.getTime() : typeof created === 'number' ? created * 1000 : null,
    bytes: typeof size === 'number' && size > 0 ? size : null,
    given,
  };
}

/** Throws DataError for what is no record of a table's stream. */
export function changeOf({ given, createdAt }: StreamRecord): Change {
  if (!isFields(given) || !isFields(given.dynamodb)) throw new DataError('Not a record of a DynamoDB stream');
  const { eventName, dynamodb, userIdentity } = given;
  const op = typeof eventName === 'string' ? operations[eventName] : undefined;
  if (op === undefined) throw new DataError(`Not a record of a DynamoDB stream: its eventName is ${eventName}`);
  const image = (name: 'NewImage' | 'OldImage') =>
    dynamodb[name] === undefined || dynamodb[name] === null ? null : parseItem(dynamodb[name], name);
  const keys = parseItem(dynamodb.Keys, 'Keys');
  if (keys.size === 0) throw new DataError('Not a record of a DynamoDB stream: its Keys are empty');
  const by = isFields(userIdentity) ? (userIdentity.principalId ?? userIdentity.PrincipalId) : null;
  return {
    op,
    keys,
    newImage: image('NewImage'),
    oldImage: image('OldImage'),
    createdAt: createdAt ?? Date.now(),
    expired: op === 'd' && by === 'dynamodb.amazonaws.com',
  };
}

/** An item that a snapshot has read. */
export function readChange(item: Item, keyNames: readonly string[], now: number): Change {
  const keys = keyNames.map((name) => {
    const value = item.get(name);
    if (value === undefined) throw new DataError(`An item of the table has no ${name}, which its key needs`);
    return [name, value] as const;
  });
  return { op: 'r', keys: new Map(keys), newImage: item, oldImage: null, createdAt: now, expired: false };
}
