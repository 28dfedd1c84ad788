import type { QueryInput, TransactWriteItem, WriteRequest } from '@aws-sdk/client-dynamodb';
import { type Clock, systemClock } from '../../clock.ts';
import { ConnectError, RetriableError } from '../../errors.ts';
import { type Attributes, N, S } from './attributes.ts';
import { type Key, tableDefinition } from './table.ts';
import {
  type BatchWrite,
  type IndexName,
  type IndexPageOptions,
  type ItemPage,
  inParallel,
  type Outcome,
  type PageOptions,
  type Range,
  type TableClient,
  type TransactOutcome,
  type Update,
  type Write,
} from './table-client.ts';
import type { RequestFailure, TableRequests } from './table-requests.ts';

export interface AwsTableClientOptions {
  readonly tableName: string;
  readonly requests: TableRequests;
  readonly clock?: Clock;
}

const conflictRetries = 10;

export class AwsTableClient implements TableClient {
  readonly tableName: string;
  readonly #requests: TableRequests;
  readonly #clock: Clock;

  constructor(options: AwsTableClientOptions) {
    this.tableName = options.tableName;
    this.#clock = options.clock ?? systemClock;
    this.#requests = options.requests;
  }

  async update(update: Update): Promise<Outcome> {
    try {
      const { Attributes } = await this.#retryConflicts(update.what, () =>
        this.#requests.send('UpdateItem', {
          ...this.#updateInput(update),
          ReturnValues: 'ALL_OLD',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      return { done: true, before: Attributes ?? null };
    } catch (error) {
      const failure = error as RequestFailure;
      if (failure.name === 'ConditionalCheckFailedException') return { done: false, row: failure.Item ?? null };
      throw this.#explain(error, update.what);
    }
  }

  async transact(writes: readonly Write[], what: string): Promise<TransactOutcome> {
    const items = writes.map((write) => this.#transactItem(write));
    try {
      await this.#retryConflicts(what, () => this.#requests.send('TransactWriteItems', { TransactItems: items }));
      return { done: true };
    } catch (error) {
      const reasons = cancellationReasons(error);
      if (reasons.some((reason) => reason.Code === 'ConditionalCheckFailed')) {
        return {
          done: false,
          refused: reasons.map((reason) =>
            reason.Code === 'ConditionalCheckFailed' ? (reason.Item ?? null) : undefined,
          ),
        };
      }
      throw this.#explain(error, what);
    }
  }

  async get(key: Key, attributes?: readonly string[]): Promise<Attributes | null> {
    const { Item } = await this.#asked('a read', () =>
      this.#requests.send('GetItem', {
        TableName: this.tableName,
        Key: keyOf(key),
        ConsistentRead: true,
        ...projection(attributes),
      }),
    );
    return Item ?? null;
  }

  async writeMany(writes: readonly BatchWrite[], what: string): Promise<void> {
    const batches: BatchWrite[][] = [];
    for (let start = 0; start < writes.length; start += 25) batches.push(writes.slice(start, start + 25));
    await inParallel(8, batches, async (batch) => {
      let left: WriteRequest[] = batch.map((write) =>
        write.kind === 'put'
          ? { PutRequest: { Item: { ...keyOf(write.key), ...write.item } } }
          : { DeleteRequest: { Key: keyOf(write.key) } },
      );
      for (let attempt = 0; left.length > 0; attempt++) {
        const requests = left;
        const { UnprocessedItems } = await this.#asked(what, () =>
          this.#requests.send('BatchWriteItem', { RequestItems: { [this.tableName]: requests } }),
        );
        left = UnprocessedItems?.[this.tableName] ?? [];
        if (left.length > 0) await this.#backOff(attempt, what);
      }
    });
  }

  /** Missing ones are left out. */
  async getMany(keys: readonly Key[]): Promise<Attributes[]> {
    const found: Attributes[] = [];
    const batches: Key[][] = [];
    for (let start = 0; start < keys.length; start += 100) batches.push(keys.slice(start, start + 100));
    await inParallel(8, batches, async (batch) => {
      let asked: Attributes[] = batch.map(keyOf);
      for (let attempt = 0; asked.length > 0; attempt++) {
        const keysLeft = asked;
        const { Responses, UnprocessedKeys } = await this.#asked('a read', () =>
          this.#requests.send('BatchGetItem', {
            RequestItems: { [this.tableName]: { Keys: keysLeft, ConsistentRead: true } },
          }),
        );
        const items = Responses?.[this.tableName] ?? [];
        found.push(...items);
        asked = (UnprocessedKeys?.[this.tableName]?.Keys ?? []) as Attributes[];
        // Big items come back piecemeal (16 MB an answer): only an answer without progress is a throttle.
        if (asked.length > 0 && items.length === 0) await this.#backOff(attempt, 'source offsets');
      }
    });
    return found;
  }

  async queryPage(
    pk: string,
    range: Range,
    options: PageOptions & { readonly attributes?: readonly string[] } = {},
  ): Promise<ItemPage> {
    const projected = projection(options.attributes);
    return this.#query(
      {
        KeyConditionExpression: '#pk = :pk AND #sk BETWEEN :from AND :to',
        ...projected,
        ExpressionAttributeNames: { ...projected.ExpressionAttributeNames, '#pk': 'pk', '#sk': 'sk' },
        ExpressionAttributeValues: { ':pk': S(pk), ':from': S(range.from), ':to': S(range.to) },
        ConsistentRead: true,
      },
      options,
    );
  }

  async queryIndex(index: IndexName, hash: string, options: IndexPageOptions = {}): Promise<ItemPage> {
    const { partitionKey, sortKey } = tableDefinition.indexes[index];
    const { range, behind } = options;
    const after =
      behind === undefined ? options.after : JSON.stringify({ [partitionKey.name]: S(hash), ...keyOf(behind) });
    return this.#query(
      {
        IndexName: index,
        KeyConditionExpression: range === undefined ? '#hash = :hash' : '#hash = :hash AND #sort BETWEEN :from AND :to',
        ExpressionAttributeNames: {
          '#hash': partitionKey.name,
          ...(range === undefined ? {} : { '#sort': sortKey.name }),
        },
        ExpressionAttributeValues: {
          ':hash': S(hash),
          ...(range === undefined ? {} : { ':from': N(range.from), ':to': N(range.to) }),
        },
      },
      { ...options, ...(after === undefined ? {} : { after }) },
    );
  }

  async #query(input: Omit<QueryInput, 'TableName'>, { after, limit }: PageOptions): Promise<ItemPage> {
    const { Items, LastEvaluatedKey } = await this.#asked('a read', () =>
      this.#requests.send('Query', {
        ...input,
        TableName: this.tableName,
        ...(limit === undefined ? {} : { Limit: limit }),
        ...(after === null || after === undefined ? {} : { ExclusiveStartKey: JSON.parse(after) as Attributes }),
      }),
    );
    return { items: Items ?? [], next: LastEvaluatedKey === undefined ? null : JSON.stringify(LastEvaluatedKey) };
  }

  destroy(): void {
    this.#requests.destroy();
  }

  async #asked<T>(what: string, send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      throw this.#explain(error, what);
    }
  }

  /** Two transactions that meet at an item cancel each other: the SDK does not send them again, this does. */
  async #retryConflicts<T>(what: string, send: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await send();
      } catch (error) {
        if (!isConflict(error)) throw error;
        await this.#backOff(attempt, what, error);
      }
    }
  }

  async #backOff(attempt: number, what: string, cause?: unknown): Promise<void> {
    if (attempt >= conflictRetries) {
      throw new RetriableError(`The table was too busy to take ${what}`, { code: 'storage.busy', cause });
    }
    await this.#clock.sleep(Math.min(1000, 10 * 2 ** attempt));
  }

  #updateInput(update: Update) {
    const removed = [...(update.remove ?? [])];
    const assigned = [...(update.assign ?? [])];
    const values: Attributes = {};
    for (const [name, value] of Object.entries(update.set ?? {})) {
      if (value === undefined) removed.push(name);
      else {
        assigned.push(`#${name} = :set_${name}`);
        values[`:set_${name}`] = value;
      }
    }
    const sections: string[] = [];
    if (assigned.length > 0) sections.push(`SET ${assigned.join(', ')}`);
    if (removed.length > 0) sections.push(`REMOVE ${removed.map((name) => `#${name}`).join(', ')}`);
    const expression = sections.join(' ');
    Object.assign(values, prefixed(update.values));
    return {
      TableName: this.tableName,
      Key: keyOf(update.key),
      UpdateExpression: expression === '' ? undefined : expression,
      ConditionExpression: update.condition,
      ExpressionAttributeNames: namesIn(`${expression} ${update.condition ?? ''}`, update.names),
      ...(Object.keys(values).length === 0 ? {} : { ExpressionAttributeValues: values }),
    };
  }

  #transactItem(write: Write): TransactWriteItem {
    const refusal = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const };
    if (write.kind === 'update') {
      // An update that only asserts is a check: transactions know no update without an expression.
      const { UpdateExpression, ...input } = this.#updateInput(write);
      if (UpdateExpression !== undefined) return { Update: { ...input, UpdateExpression, ...refusal } };
      return { ConditionCheck: { ...input, ConditionExpression: input.ConditionExpression, ...refusal } };
    }
    const values = prefixed(write.values);
    const condition = {
      TableName: this.tableName,
      ...conditionOf(write.condition),
      ...(write.condition === undefined ? {} : { ExpressionAttributeNames: namesIn(write.condition) }),
      ...(Object.keys(values).length === 0 ? {} : { ExpressionAttributeValues: values }),
      ...refusal,
    };
    switch (write.kind) {
      case 'put':
        return { Put: { ...condition, Item: { ...keyOf(write.key), ...write.item } } };
      case 'delete':
        return { Delete: { ...condition, Key: keyOf(write.key) } };
      case 'check':
        return { ConditionCheck: { ...condition, Key: keyOf(write.key), ConditionExpression: write.condition } };
    }
  }

  /** The SDK has retried what can be: what is left is said in words that name the cause. */
  #explain(error: unknown, what: string): unknown {
    if (error instanceof ConnectError) return error;
    const { name, message } = error as Error;
    const reasons = cancellationReasons(error);
    const told = [message, ...reasons.map((reason) => reason.Message ?? '')].join(' ');
    const codes = [name, ...reasons.map((reason) => reason.Code ?? '')];
    if (/[Ii]tem size|size has exceeded|Item collection/.test(told)) {
      return new ConnectError('storage.item_too_large', `Too large to be stored: ${what} (an item holds 400 KB)`, {
        cause: error,
        facts: { what },
      });
    }
    if (codes.includes('ResourceNotFoundException')) {
      return new ConnectError('storage.table_missing', `The table ${this.tableName} does not exist`, { cause: error });
    }
    if (/AccessDenied|UnrecognizedClient|ExpiredToken|InvalidSignature/.test(name)) {
      return new ConnectError('storage.access_denied', `The table ${this.tableName} may not be used: ${message}`, {
        cause: error,
      });
    }
    if (codes.some((code) => /Validation|Serialization/.test(code))) {
      return new ConnectError('storage.refused', `The table refused ${what}: ${told.trim()}`, { cause: error });
    }
    return new RetriableError(`The table did not take ${what}: ${name}: ${message}`, {
      code: 'storage.unavailable',
      cause: error,
    });
  }
}

/** None: it is no transaction that was cancelled. */
function cancellationReasons(error: unknown): NonNullable<RequestFailure['CancellationReasons']> {
  const { name, CancellationReasons } = error as Partial<RequestFailure>;
  return name === 'TransactionCanceledException' ? (CancellationReasons ?? []) : [];
}

function isConflict(error: unknown): boolean {
  const codes = cancellationReasons(error).map((reason) => reason.Code ?? 'None');
  const passing = ['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'];
  if (codes.some((code) => passing.includes(code))) return !codes.includes('ConditionalCheckFailed');
  return (error as Partial<Error>).name === 'TransactionConflictException';
}

const keyOf = (key: Key): Attributes => ({ pk: S(key.pk), sk: S(key.sk) });

const conditionOf = (condition: string | undefined) =>
  condition === undefined ? {} : { ConditionExpression: condition };

/** A run's expressions are the same again and again. */
const mostExpressions = 200;
const namesOf = new Map<string, Record<string, string>>();

function namesIn(expression: string, given?: Readonly<Record<string, string>>): Record<string, string> {
  const known = given === undefined ? namesOf.get(expression) : undefined;
  if (known !== undefined) return known;
  const names: Record<string, string> = {};
  for (const [token, name] of expression.matchAll(/#(\w+)/g)) names[token] = given?.[name!] ?? name!;
  if (given === undefined && namesOf.size < mostExpressions) namesOf.set(expression, names);
  return names;
}

function prefixed(values: Attributes | undefined): Attributes {
  return Object.fromEntries(Object.entries(values ?? {}).map(([name, value]) => [`:${name}`, value]));
}

function projection(attributes: readonly string[] | undefined) {
  if (attributes === undefined) return {};
  return {
    ProjectionExpression: attributes.map((name) => `#${name}`).join(', '),
    ExpressionAttributeNames: Object.fromEntries(attributes.map((name) => [`#${name}`, name])),
  };
}
