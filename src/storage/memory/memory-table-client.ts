import { ConnectError } from '../../errors.ts';
import type { StreamRecord } from '../../invocation/table-stream.ts';
import { type Attributes, S } from '../dynamodb/attributes.ts';
import { type Key, tableDefinition } from '../dynamodb/table.ts';
import type {
  BatchWrite,
  IndexName,
  IndexPageOptions,
  ItemPage,
  Outcome,
  PageOptions,
  Range,
  TableClient,
  TransactOutcome,
  Update,
  Write,
} from '../dynamodb/table-client.ts';
import { Expression, orderOf } from './expression.ts';

export interface MemoryTableOptions {
  /** The table's stream: one call per changed item, in order, before the write returns. */
  readonly onChange?: (record: StreamRecord) => void;
  /** Items a page; a small one makes tests see the paging. */
  readonly pageSize?: number;
}

const maxItemBytes = 400 * 1024;
const maxWrites = 100;

/** A table in memory under the very same stores: it reads their expressions, so that what holds here holds there. */
export class MemoryTableClient implements TableClient {
  readonly #partitions = new Map<string, Map<string, Attributes>>();
  readonly #onChange: (record: StreamRecord) => void;
  readonly #pageSize: number;
  #sequence = 0;
  /** How many requests were made, by kind. */
  readonly requests = { update: 0, transact: 0, writeMany: 0, get: 0, getMany: 0, queryPage: 0, queryIndex: 0 };

  constructor(options: MemoryTableOptions = {}) {
    this.#onChange = options.onChange ?? (() => {});
    this.#pageSize = options.pageSize ?? 1000;
  }

  async update(update: Update): Promise<Outcome> {
    this.requests.update++;
    const row = this.#find(update.key);
    if (!holds(update, row)) return { done: false, row: row ?? null };
    const before = row ?? null;
    this.#store(update.key, updated(update, row), update.what);
    return { done: true, before };
  }

  async transact(writes: readonly Write[], what: string): Promise<TransactOutcome> {
    this.requests.transact++;
    if (writes.length > maxWrites) throw new Error(`${writes.length} writes in one transaction of ${what}`);
    const keys = new Set(writes.map(({ key }) => JSON.stringify([key.pk, key.sk])));
    if (keys.size < writes.length) throw new ConnectError('storage.refused', `Two writes to one item in ${what}`);
    const rows = writes.map((write) => this.#find(write.key));
    const refused = writes.map((write, index) => (holds(write, rows[index]) ? undefined : (rows[index] ?? null)));
    if (refused.some((row) => row !== undefined)) return { done: false, refused };
    const items = writes.map((write, index) => {
      if (write.kind === 'update') return checkedSize(updated(write, rows[index]), write.what);
      if (write.kind === 'put') return checkedSize({ ...keyOf(write.key), ...write.item }, write.what);
      return undefined;
    });
    writes.forEach((write, index) => {
      if (write.kind !== 'check') this.#store(write.key, items[index], what);
    });
    return { done: true };
  }

  async writeMany(writes: readonly BatchWrite[], what: string): Promise<void> {
    this.requests.writeMany += Math.ceil(writes.length / 25);
    for (const write of writes) {
      this.#store(write.key, write.kind === 'put' ? { ...keyOf(write.key), ...write.item } : undefined, what);
    }
  }

  async get(key: Key, attributes?: readonly string[]): Promise<Attributes | null> {
    this.requests.get++;
    const item = this.#find(key);
    return item === undefined ? null : projected(item, attributes);
  }

  async getMany(keys: readonly Key[]): Promise<Attributes[]> {
    this.requests.getMany++;
    return keys.map((key) => this.#find(key)).filter((item) => item !== undefined);
  }

  async queryPage(
    pk: string,
    { from, to }: Range,
    options: PageOptions & { readonly attributes?: readonly string[] } = {},
  ): Promise<ItemPage> {
    this.requests.queryPage++;
    const within = (item: Attributes) =>
      atLeast(item.sk as { S: string }, S(from)) && atLeast(S(to), item.sk as { S: string });
    const items = [...(this.#partitions.get(pk)?.values() ?? [])].filter(within);
    return this.#page(items, 'sk', options, options.attributes);
  }

  async queryIndex(index: IndexName, hash: string, options: IndexPageOptions = {}): Promise<ItemPage> {
    this.requests.queryIndex++;
    const { partitionKey, sortKey, projection } = tableDefinition.indexes[index];
    const items: Attributes[] = [];
    for (const partition of this.#partitions.values()) {
      for (const item of partition.values()) {
        const sort = item[sortKey.name];
        if (item[partitionKey.name]?.S !== hash || sort === undefined) continue;
        const { range } = options;
        if (range !== undefined && (Number(sort.N) < range.from || Number(sort.N) > range.to)) continue;
        items.push(item);
      }
    }
    const extra = 'attributes' in projection ? projection.attributes : [];
    const { behind } = options;
    const after = behind === undefined ? options.after : JSON.stringify([S(behind.pk), S(behind.pk), S(behind.sk)]);
    const paged = { ...options, ...(after === undefined ? {} : { after }) };
    return this.#page(items, sortKey.name, paged, ['pk', 'sk', partitionKey.name, sortKey.name, ...extra]);
  }

  #page(found: Attributes[], sortName: string, options: PageOptions, attributes?: readonly string[]): ItemPage {
    const identity = (item: Attributes) => JSON.stringify([item[sortName], item.pk?.S, item.sk?.S]);
    const sorted = found.sort(
      (a, b) =>
        orderOf(a[sortName] as Attributes[string], b[sortName] as Attributes[string]) ||
        (identity(a) < identity(b) ? -1 : 1),
    );
    const { after, limit = this.#pageSize } = options;
    // Behind the item named, or where it would stand if it has gone since.
    const start =
      after === null || after === undefined
        ? 0
        : sorted.findIndex((item) => isBehind(item, JSON.parse(after), sortName));
    const rest = start === -1 ? [] : sorted.slice(start);
    const items = rest.slice(0, Math.min(limit, this.#pageSize));
    const last = items.at(-1);
    return {
      items: items.map((item) => projected(item, attributes)),
      next:
        last === undefined || items.length === rest.length ? null : JSON.stringify([last[sortName], last.pk, last.sk]),
    };
  }

  #find(key: Key): Attributes | undefined {
    return this.#partitions.get(key.pk)?.get(key.sk);
  }

  #store(key: Key, item: Attributes | undefined, what: string): void {
    const before = this.#find(key);
    const partition = this.#partitions.get(key.pk) ?? new Map<string, Attributes>();
    if (item === undefined) partition.delete(key.sk);
    else partition.set(key.sk, structuredClone(checkedSize(item, what)));
    this.#partitions.set(key.pk, partition);
    const after = this.#find(key);
    if (JSON.stringify(before) === JSON.stringify(after)) return;
    this.#onChange({
      dynamodb: {
        Keys: keyOf(key),
        OldImage: before,
        NewImage: after,
        SequenceNumber: String(++this.#sequence).padStart(21, '0'),
      },
    });
  }
}

const keyOf = (key: Key): Attributes => ({ pk: S(key.pk), sk: S(key.sk) });
const atLeast = (a: Attributes[string], b: Attributes[string]) => (orderOf(a, b) ?? -1) >= 0;

function isBehind(item: Attributes, [sort, pk, sk]: Attributes[string][], sortName: string): boolean {
  const order =
    orderOf(item[sortName] as Attributes[string], sort as Attributes[string]) ||
    orderOf(item.pk as Attributes[string], pk as Attributes[string]) ||
    orderOf(item.sk as Attributes[string], sk as Attributes[string]);
  return (order ?? 0) > 0;
}

/** DynamoDB refuses a request with a value that no expression uses. */
function requireAllUsed(write: Update | Write): void {
  const clauses = 'assign' in write ? (write.assign ?? []) : [];
  const used = [...clauses, write.condition ?? ''].join(' ');
  for (const name of Object.keys(('values' in write ? write.values : undefined) ?? {})) {
    if (!used.includes(`:${name}`)) {
      throw new ConnectError('storage.refused', `The value :${name} is used in no expression`);
    }
  }
}

function holds(write: Update | Write, row: Attributes | undefined): boolean {
  requireAllUsed(write);
  if (write.condition === undefined) return true;
  return new Expression(write.condition, row ?? {}, write.values ?? {}).holds();
}

function updated(update: Update, row: Attributes | undefined): Attributes {
  const before = row ?? keyOf(update.key);
  const after = structuredClone(before);
  for (const clause of update.assign ?? []) {
    const { path, value } = new Expression(clause, before, update.values ?? {}, update.names).assignment();
    const [first, second] = path as [string, string | undefined];
    if (second === undefined) after[first] = value;
    else {
      const map = after[first]?.M;
      if (map === undefined)
        throw new ConnectError('storage.refused', `${first} is no map that ${second} could be put in`);
      map[second] = value;
    }
  }
  for (const [name, value] of Object.entries(update.set ?? {})) {
    if (value === undefined) delete after[name];
    else after[name] = value;
  }
  for (const name of update.remove ?? []) delete after[name];
  return after;
}

function checkedSize(item: Attributes, what: string): Attributes {
  if (Buffer.byteLength(JSON.stringify(item)) > maxItemBytes) {
    throw new ConnectError('storage.item_too_large', `Too large to be stored: ${what} (an item holds 400 KB)`, {
      facts: { what },
    });
  }
  return item;
}

function projected(item: Attributes, attributes: readonly string[] | undefined): Attributes {
  const copy = structuredClone(item);
  if (attributes === undefined) return copy;
  return Object.fromEntries(Object.entries(copy).filter(([name]) => attributes.includes(name)));
}
