import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/clock.ts';

import { S } from '../../src/storage/dynamodb/attributes.ts';
import { AwsTableClient } from '../../src/storage/dynamodb/aws-table-client.ts';
import { chunksOf, type Write } from '../../src/storage/dynamodb/table-client.ts';
import type { TableRequests } from '../../src/storage/dynamodb/table-requests.ts';

const key = { pk: 'C#a', sk: 'STATE' };
const update = { key, what: 'the config of connector a', set: { state: S('RUNNING') } };
const put: Write = { kind: 'put', key, what: 'the offset of x', item: {} };

const failure = (name: string, message = 'no', more: object = {}) =>
  Object.assign(new Error(message), { name, ...more });

function cancelled(...codes: string[]) {
  return failure('TransactionCanceledException', 'cancelled', {
    CancellationReasons: codes.map((Code) => ({
      Code,
      ...(Code === 'ValidationError' ? { Message: 'Item size has exceeded' } : {}),
    })),
  });
}

/** Answers in turn; `sent` holds the inputs, `slept` the back-offs. */
function tableWith(...answers: unknown[]) {
  const sent: Record<string, unknown>[] = [];
  const slept: number[] = [];
  const requests = {
    send: async (_operation: string, input: Record<string, unknown>) => {
      sent.push(input);
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer ?? {};
    },
    destroy: () => {},
  } as unknown as TableRequests;
  const clock: Clock = { now: () => 0, sleep: async (ms) => void slept.push(ms) };
  return { table: new AwsTableClient({ tableName: 't', requests, clock }), sent, slept };
}

describe('the table over AWS', () => {
  it('a refused write is an answer, with the row that won', async () => {
    const row = { fencingToken: { N: '7' } };
    const refused = failure('ConditionalCheckFailedException', 'no', { Item: row });
    const { table, sent } = tableWith(refused);
    const condition = '#fencingToken = :token';
    expect(await table.update({ ...update, condition, values: { token: { N: '6' } } })).toEqual({ done: false, row });
    expect(sent[0]).toMatchObject({
      TableName: 't',
      UpdateExpression: 'SET #state = :set_state',
      ConditionExpression: condition,
      ExpressionAttributeNames: { '#state': 'state', '#fencingToken': 'fencingToken' },
      ExpressionAttributeValues: { ':set_state': { S: 'RUNNING' }, ':token': { N: '6' } },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
  });

  it('says which write of a transaction was refused', async () => {
    const { table } = tableWith(cancelled('None', 'ConditionalCheckFailed', 'None'));
    expect(await table.transact([put, put, put], 'x')).toEqual({ done: false, refused: [undefined, null, undefined] });
  });

  it('sends again what met another transaction, a little later each time', async () => {
    const { table, sent, slept } = tableWith(
      cancelled('TransactionConflict', 'None'),
      failure('TransactionConflictException'),
      {},
    );
    expect(await table.transact([put, put], 'x')).toEqual({ done: true });
    expect(sent).toHaveLength(3);
    expect(slept).toEqual([10, 20]);
  });

  it('gives up on a storm with an error that may be retried', async () => {
    const { table } = tableWith(...new Array(20).fill(cancelled('TransactionConflict')));
    await expect(table.transact([put], 'x')).rejects.toMatchObject({ code: 'storage.busy', retriable: true });
  });

  it.each([
    ['ProvisionedThroughputExceededException', 'storage.unavailable', true],
    ['InternalServerError', 'storage.unavailable', true],
    ['TimeoutError', 'storage.unavailable', true],
    ['ResourceNotFoundException', 'storage.table_missing', false],
    ['AccessDeniedException', 'storage.access_denied', false],
    ['ValidationException', 'storage.refused', false],
  ])('%s, when it was tried again in vain, is %s', async (name, code, retriable) => {
    const { table } = tableWith(failure(name), failure(name));
    await expect(table.update(update)).rejects.toMatchObject({ code, retriable });
    await expect(table.get(key)).rejects.toMatchObject({ code, retriable });
  });

  it('names what is too large for an item', async () => {
    const { table } = tableWith(
      failure('ValidationException', 'Item size to update has exceeded the maximum allowed size'),
      cancelled('None', 'ValidationError'),
    );
    const message = expect.stringContaining('Too large to be stored: the config of connector a');
    await expect(table.update(update)).rejects.toMatchObject({ code: 'storage.item_too_large', message });
    await expect(table.transact([put, put], 'the tasks of a')).rejects.toMatchObject({
      code: 'storage.item_too_large',
    });
  });

  it('asks again for what a batch left over, and waits only when nothing came', async () => {
    const keys = (...sks: string[]) => ({ t: { Keys: sks.map((sk) => ({ pk: S('p'), sk: S(sk) })) } });
    const { table, sent, slept } = tableWith(
      { Responses: { t: [{ sk: S('1') }] }, UnprocessedKeys: keys('2') },
      { Responses: { t: [] }, UnprocessedKeys: keys('2') },
      { Responses: { t: [{ sk: S('2') }] } },
    );
    const found = await table.getMany(['1', '2'].map((sk) => ({ pk: 'p', sk })));
    expect(found.map((item) => item.sk?.S)).toEqual(['1', '2']);
    expect(sent).toHaveLength(3);
    expect(slept).toEqual([20]);
  });

  it('writes again what a batch left over', async () => {
    const left = { t: [{ DeleteRequest: { Key: { pk: S('p'), sk: S('3') } } }] };
    const { table, sent } = tableWith({ UnprocessedItems: left }, {}, {});
    await table.writeMany(
      Array.from({ length: 30 }, (_, sk) => ({ kind: 'delete' as const, key: { pk: 'p', sk: String(sk) } })),
      'x',
    );
    expect(sent).toHaveLength(3);
  });

  it('cuts writes into transactions by number and by bytes', () => {
    const writes = (count: number, bytes: number): Write[] =>
      Array.from({ length: count }, (_, n) => ({
        ...put,
        key: { pk: 'p', sk: String(n) },
        item: { v: S('x'.repeat(bytes)) },
      }));
    expect(chunksOf(writes(250, 1)).map((chunk) => chunk.length)).toEqual([99, 99, 52]);
    const large = chunksOf(writes(20, 300_000));
    expect(large.flat()).toHaveLength(20);
    expect(Math.max(...large.map((chunk) => chunk.length))).toBeLessThanOrEqual(10);
  });
});
