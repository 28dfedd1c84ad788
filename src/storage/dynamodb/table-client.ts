import type { Attributes } from './attributes.ts';
import type { Key, tableDefinition } from './table.ts';

/** One conditional change of one item. Names in expressions are `#attribute`, values `:name`. */
export interface Update {
  readonly key: Key;
  /** What the item is, for people: it stands in the error when it does not fit. */
  readonly what: string;
  /** Undefined removes. */
  readonly set?: Readonly<Record<string, Attributes[string] | undefined>>;
  readonly remove?: readonly string[];
  /** Further clauses, as `#a = #b` or `#token = #token + :one`. */
  readonly assign?: readonly string[];
  readonly condition?: string;
  readonly values?: Attributes;
  /** Names whose text is not an attribute name by itself: positions. */
  readonly names?: Readonly<Record<string, string>>;
}

export type Write =
  | ({ readonly kind: 'update' } & Update)
  | {
      readonly kind: 'put';
      readonly key: Key;
      readonly what: string;
      readonly item: Attributes;
      readonly condition?: string;
      readonly values?: Attributes;
    }
  | { readonly kind: 'delete'; readonly key: Key; readonly condition?: string; readonly values?: Attributes }
  | { readonly kind: 'check'; readonly key: Key; readonly condition: string; readonly values?: Attributes };

/** A put or delete without a condition. */
export type BatchWrite = Extract<Write, { kind: 'put' | 'delete' }>;

/** A refused write brings the row that won; null: there is none. */
export type Outcome =
  | { readonly done: true; readonly before: Attributes | null }
  | { readonly done: false; readonly row: Attributes | null };

/** Per write: undefined when it was not the one refused. */
export type TransactOutcome =
  | { readonly done: true }
  | { readonly done: false; readonly refused: readonly (Attributes | null | undefined)[] };

export interface Range {
  readonly from: string;
  readonly to: string;
}

export interface PageOptions {
  readonly after?: string | null;
  readonly limit?: number;
}

export interface IndexPageOptions extends PageOptions {
  readonly range?: { readonly from: number; readonly to: number };
  /** In an index that is sorted by `pk`: goes on behind this item, whether it is there or not. */
  readonly behind?: Key;
}

export interface ItemPage {
  readonly items: Attributes[];
  /** Goes on behind this page; null: there is nothing more. */
  readonly next: string | null;
}

export type IndexName = keyof typeof tableDefinition.indexes;

/**
 * What the stores use of a table. Reads of items are strongly consistent, those of an index eventually. Besides coded
 * errors (`storage.*`) it throws RetriableError where the table could not be asked.
 */
export interface TableClient {
  update(update: Update): Promise<Outcome>;
  /** All or nothing; at most 100 writes, see `chunks`. `what` is for the error. */
  transact(writes: readonly Write[], what: string): Promise<TransactOutcome>;
  get(key: Key, attributes?: readonly string[]): Promise<Attributes | null>;
  /** Unconditional and not atomic, for what a fence or a guard around it protects; many at a time. */
  writeMany(writes: readonly BatchWrite[], what: string): Promise<void>;
  /** In no order; missing ones are left out. */
  getMany(keys: readonly Key[]): Promise<Attributes[]>;
  /** Items of one partition key by sort key, both ends included. */
  queryPage(
    pk: string,
    range: Range,
    options?: PageOptions & { readonly attributes?: readonly string[] },
  ): Promise<ItemPage>;
  /** By the index's sort key; numbers for `due`. */
  queryIndex(index: IndexName, hash: string, options?: IndexPageOptions): Promise<ItemPage>;
}

export async function* queryAll(
  table: TableClient,
  pk: string,
  range: Range,
  attributes?: readonly string[],
): AsyncGenerator<Attributes[]> {
  let after: string | null = null;
  do {
    const page: ItemPage = await table.queryPage(pk, range, {
      after,
      ...(attributes === undefined ? {} : { attributes }),
    });
    yield page.items;
    after = page.next;
  } while (after !== null);
}

/** One item of a transaction is left for the fence. */
export const maxWritesBesideFence = 99;
const maxTransactionBytes = 3_000_000;

/** Cuts writes so that each transaction, with the fence, keeps within DynamoDB's limits. */
export function chunksOf(writes: readonly Write[]): Write[][] {
  const chunks: Write[][] = [];
  let bytes = 0;
  for (const write of writes) {
    const size = writeBytes(write);
    const last = chunks.at(-1);
    if (last === undefined || last.length === maxWritesBesideFence || bytes + size > maxTransactionBytes) {
      chunks.push([write]);
      bytes = size;
    } else {
      last.push(write);
      bytes += size;
    }
  }
  return chunks;
}

/** An estimate, on the large side. */
function writeBytes(write: Write): number {
  const attributes = write.kind === 'put' ? write.item : write.kind === 'update' ? write.set : undefined;
  return 500 + (attributes === undefined ? 0 : Buffer.byteLength(JSON.stringify(attributes)));
}

export async function inParallel<T>(
  width: number,
  items: readonly T[],
  each: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lanes = Array.from({ length: Math.min(width, items.length) }, async () => {
    while (next < items.length) {
      const index = next++;
      await each(items[index] as T, index);
    }
  });
  await Promise.all(lanes);
}
