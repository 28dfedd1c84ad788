/**
 * A table in memory that is asked as DynamoDB is, over HTTP, in a process of its own: what the emulator takes for a request,
 * some milliseconds of one core, would be all that there is to measure. Knows what the stores ask, no more.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Attributes } from '../../src/storage/dynamodb/attributes.ts';
import type { Key } from '../../src/storage/dynamodb/table.ts';
import type { Update, Write } from '../../src/storage/dynamodb/table-client.ts';
import type { TableOperation, TableOperations } from '../../src/storage/dynamodb/table-requests.ts';
import { MemoryTableClient } from '../../src/storage/memory/memory-table-client.ts';

export interface TableInMemory {
  readonly endpoint: string;
  readonly pid: number;
  stop(): void;
}

export async function startTableInMemory(): Promise<TableInMemory> {
  const child = fork(fileURLToPath(import.meta.url));
  const [port] = await once(child, 'message');
  return { endpoint: `http://127.0.0.1:${port}`, pid: child.pid!, stop: () => child.disconnect() };
}

type Answers = { readonly [O in TableOperation]?: (input: TableOperations[O]['input']) => Promise<object> };
type UpdateInput = Pick<
  TableOperations['UpdateItem']['input'],
  'Key' | 'UpdateExpression' | 'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
>;

/** What DynamoDB answers with status 400. */
class Refusal extends Error {
  readonly body: object;

  constructor(type: string, more: object) {
    super(type);
    this.body = { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: type, ...more };
  }
}

const table = new MemoryTableClient();
const what = 'an item of a burst';

const keyOf = (key: Attributes | undefined): Key => ({ pk: key?.pk?.S ?? '', sk: key?.sk?.S ?? '' });

function bare<T>(values: Readonly<Record<string, T>> | undefined): Record<string, T> {
  return Object.fromEntries(Object.entries(values ?? {}).map(([name, value]) => [name.slice(1), value]));
}

function updateOf(input: UpdateInput): Update {
  const names = bare(input.ExpressionAttributeNames);
  const [, assigned, removed] = /^(?:SET (.*?))?(?: ?REMOVE (.*))?$/.exec(input.UpdateExpression ?? '') ?? [];
  return {
    key: keyOf(input.Key),
    what,
    // Not at the commas of a function's arguments.
    assign: assigned === undefined ? [] : assigned.split(/, (?=#\w+(?:\.#\w+)? = )/),
    remove: removed === undefined ? [] : removed.split(', ').map((name) => names[name.slice(1)] ?? name.slice(1)),
    ...(input.ConditionExpression === undefined ? {} : { condition: input.ConditionExpression }),
    values: bare(input.ExpressionAttributeValues),
    names,
  };
}

function writeOf(item: NonNullable<TableOperations['TransactWriteItems']['input']['TransactItems']>[number]): Write {
  if (item.Update !== undefined) return { kind: 'update', ...updateOf(item.Update) };
  const given = item.Put ?? item.Delete ?? item.ConditionCheck;
  const condition = given?.ConditionExpression;
  const asked = { ...(condition === undefined ? {} : { condition }), values: bare(given?.ExpressionAttributeValues) };
  if (item.Put !== undefined) {
    return { kind: 'put', key: keyOf(item.Put.Item), what, item: item.Put.Item as Attributes, ...asked };
  }
  if (item.Delete !== undefined) return { kind: 'delete', key: keyOf(item.Delete.Key), ...asked };
  return { kind: 'check', key: keyOf(item.ConditionCheck?.Key), ...asked, condition: condition ?? '' };
}

const answers: Answers = {
  async UpdateItem(input) {
    const outcome = await table.update(updateOf(input));
    if (!outcome.done)
      throw new Refusal('ConditionalCheckFailedException', outcome.row === null ? {} : { Item: outcome.row });
    return outcome.before === null ? {} : { Attributes: outcome.before };
  },
  async TransactWriteItems({ TransactItems = [] }) {
    const outcome = await table.transact(TransactItems.map(writeOf), what);
    if (outcome.done) return {};
    const CancellationReasons = outcome.refused.map((row) =>
      row === undefined ? { Code: 'None' } : { Code: 'ConditionalCheckFailed', ...(row === null ? {} : { Item: row }) },
    );
    throw new Refusal('TransactionCanceledException', { CancellationReasons });
  },
  async GetItem({ Key }) {
    const Item = await table.get(keyOf(Key));
    return Item === null ? {} : { Item };
  },
  async BatchGetItem({ RequestItems = {} }) {
    const found = Object.entries(RequestItems).map(async ([name, { Keys = [] }]) => [
      name,
      await table.getMany(Keys.map(keyOf)),
    ]);
    return { Responses: Object.fromEntries(await Promise.all(found)) };
  },
  async Query({ IndexName, ExpressionAttributeValues: values = {} }) {
    if (IndexName !== undefined) throw new Refusal('ValidationException', {});
    const range = { from: values[':from']?.S ?? '', to: values[':to']?.S ?? '' };
    return { Items: (await table.queryPage(values[':pk']?.S ?? '', range)).items };
  },
};

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const operation = String(request.headers['x-amz-target']).split('.')[1] as TableOperation;
  const answer = answers[operation] as ((input: unknown) => Promise<object>) | undefined;
  try {
    if (answer === undefined) throw new Refusal('UnknownOperationException', {});
    response.end(JSON.stringify(await answer(JSON.parse(await textOf(request)))));
  } catch (error) {
    const refused = error instanceof Refusal;
    if (!refused) console.error(operation, error);
    response.writeHead(refused ? 400 : 500);
    response.end(JSON.stringify(refused ? error.body : { __type: 'InternalServerError' }));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = createServer((request, response) => void serve(request, response));
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
  process.on('disconnect', () => process.exit(0));
}
