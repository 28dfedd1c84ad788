import { randomUUID } from 'node:crypto';
import {
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tableDefinition } from '../../../src/storage/dynamodb/table.ts';
import { dropTables, dynamoDbClient, newTable } from './dynamodb-table.ts';

/**
 * DynamoDB's rules that the stores are written against, from its documentation. The tests' tables are an emulator's:
 * where it were laxer than the service, a store could pass here and fail there.
 */
describe('the table that the tests use holds the rules of DynamoDB', () => {
  const client = dynamoDbClient({ maxAttempts: 1 });
  const { partitionKey, sortKey } = tableDefinition;
  const [dueIndex, due] = Object.entries(tableDefinition.indexes)[0]!;
  const kb = (size: number) => ({ S: 'x'.repeat(size * 1000) });
  const key = (pk: string, sk = 'a') => ({ [partitionKey.name]: { S: pk }, [sortKey.name]: { S: sk } });
  let TableName = '';

  beforeAll(async () => {
    TableName = await newTable(client);
  });
  afterAll(async () => {
    await dropTables();
    client.destroy();
  });

  const put = (item: Record<string, AttributeValue>) => client.send(new PutItemCommand({ TableName, Item: item }));
  const get = async (pk: string) =>
    (await client.send(new GetItemCommand({ TableName, Key: key(pk), ConsistentRead: true }))).Item;
  const update = (pk: string, UpdateExpression: string, more: Partial<UpdateItemCommandInput> = {}) =>
    client.send(new UpdateItemCommand({ TableName, Key: key(pk), UpdateExpression, ...more }));
  const transact = (...items: TransactWriteItem[]) =>
    client.send(new TransactWriteItemsCommand({ TransactItems: items }));
  const one = { ':v': { S: 'v' } };
  const invalid = { name: 'ValidationException' };

  it('refuses items and keys it cannot hold', async () => {
    await expect(put(key(''))).rejects.toMatchObject(invalid);
    await expect(put({ [partitionKey.name]: { S: 'x' } })).rejects.toMatchObject(invalid);
    await expect(put({ ...key('x'), v: { SS: [] } })).rejects.toMatchObject(invalid);
    await expect(put({ ...key('x'), v: { N: '1'.repeat(39) } })).rejects.toMatchObject(invalid);
    const wrong: AttributeValue = due.sortKey.type === 'N' ? { S: 'x' } : { N: '1' };
    await expect(put({ ...key('x'), [due.sortKey.name]: wrong })).rejects.toMatchObject(invalid);
  });

  it('refuses an item of more than 400 KB, also when an update would make it one', async () => {
    await expect(put({ ...key('large'), v: kb(411) })).rejects.toMatchObject(invalid);
    await put({ ...key('large'), v: kb(399) });
    const more = update('large', 'SET w = :w', { ExpressionAttributeValues: { ':w': kb(20) } });
    await expect(more).rejects.toMatchObject(invalid);
    expect((await get('large'))?.w).toBeUndefined();
  });

  it('refuses expressions with reserved words, and names and values that are not used or not there', async () => {
    await expect(update('e', 'SET state = :v', { ExpressionAttributeValues: one })).rejects.toMatchObject(invalid);
    await expect(update('e', 'SET a = :v')).rejects.toMatchObject(invalid);
    const unusedName = { ExpressionAttributeNames: { '#b': 'b' }, ExpressionAttributeValues: one };
    await expect(update('e', 'SET a = :v', unusedName)).rejects.toMatchObject(invalid);
    const unusedValue = { ExpressionAttributeValues: { ...one, ':w': { S: 'w' } } };
    await expect(update('e', 'SET a = :v', unusedValue)).rejects.toMatchObject(invalid);
    await expect(update('e', 'SET m.x = :v', { ExpressionAttributeValues: one })).rejects.toMatchObject(invalid);
    await expect(
      update('e', `SET ${partitionKey.name} = :v`, { ExpressionAttributeValues: one }),
    ).rejects.toMatchObject(invalid);
    expect(await get('e')).toBeUndefined();
  });

  it('does all of a transaction or nothing, says why item by item, and shows the row that won', async () => {
    await put({ ...key('held'), v: { S: 'first' } });
    const held = {
      Put: {
        TableName,
        Item: key('held'),
        ConditionExpression: `attribute_not_exists(${partitionKey.name})`,
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
      },
    };
    const refused: TransactionCanceledException = await transact({ Put: { TableName, Item: key('free') } }, held).then(
      () => expect.fail('the transaction went through'),
      (error) => error,
    );
    expect(refused.name).toBe('TransactionCanceledException');
    expect(refused.CancellationReasons?.map(({ Code }) => Code)).toEqual(['None', 'ConditionalCheckFailed']);
    expect(refused.CancellationReasons?.[1]?.Item?.v).toEqual({ S: 'first' });
    expect(await get('free')).toBeUndefined();
  });

  it('bounds a transaction: 100 items, 4 MB, one operation an item; and repeats none that brings its token again', async () => {
    const puts = (count: number, item = {}) =>
      Array.from({ length: count }, (_, n) => ({ Put: { TableName, Item: { ...key(`many-${n}`), ...item } } }));
    await expect(transact(...puts(101))).rejects.toMatchObject(invalid);
    await expect(transact(...puts(12, { v: kb(390) }))).rejects.toMatchObject(invalid);
    await expect(transact(...puts(1), ...puts(1))).rejects.toMatchObject(invalid);
    const again = () =>
      client.send(
        new TransactWriteItemsCommand({
          ClientRequestToken: token,
          TransactItems: [
            {
              Update: {
                TableName,
                Key: key('counted'),
                UpdateExpression: 'ADD n :n',
                ExpressionAttributeValues: { ':n': { N: '1' } },
              },
            },
          ],
        }),
      );
    const token = randomUUID();
    await again();
    await again();
    expect((await get('counted'))?.n).toEqual({ N: '1' });
  });

  it('bounds batches: 25 writes and 100 reads, each of another item', async () => {
    const write = (count: number) =>
      new BatchWriteItemCommand({
        RequestItems: {
          [TableName]: Array.from({ length: count }, (_, n) => ({ PutRequest: { Item: key(`b${n}`) } })),
        },
      });
    await expect(client.send(write(26))).rejects.toMatchObject(invalid);
    const twice = { PutRequest: { Item: key('b') } };
    await expect(
      client.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: [twice, twice] } })),
    ).rejects.toMatchObject(invalid);
    const Keys = Array.from({ length: 101 }, (_, n) => key(`b${n}`));
    await expect(
      client.send(new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys } } })),
    ).rejects.toMatchObject(invalid);
  });

  it('answers a query in pages of 1 MB, and counts a limit before the filter', async () => {
    for (let n = 0; n < 5; n++) await put({ ...key('pages', `s${n}`), v: kb(300) });
    const query = (more = {}) =>
      client.send(
        new QueryCommand({
          TableName,
          KeyConditionExpression: `${partitionKey.name} = :p`,
          ExpressionAttributeValues: { ':p': { S: 'pages' } },
          ...more,
        }),
      );
    const page = await query();
    expect(page.Items?.length).toBeLessThan(5);
    expect(page.LastEvaluatedKey).toBeDefined();
    const filtered = await query({ Limit: 2, FilterExpression: 'attribute_exists(nowhere)' });
    expect(filtered).toMatchObject({ Items: [], LastEvaluatedKey: key('pages', 's1') });
  });

  it('shows in an index only items with its keys, in the order of its sort key, and never consistently', async () => {
    const shard = { [due.partitionKey.name]: { S: 'shard' } };
    const sortable = (n: string): AttributeValue => (due.sortKey.type === 'N' ? { N: n } : { S: n });
    await put({ ...key('i1'), ...shard, [due.sortKey.name]: sortable('30') });
    await put({ ...key('i2'), ...shard });
    await put({ ...key('i3'), ...shard, [due.sortKey.name]: sortable('4') });
    const query = {
      TableName,
      IndexName: dueIndex,
      KeyConditionExpression: '#p = :p',
      ExpressionAttributeNames: { '#p': due.partitionKey.name },
      ExpressionAttributeValues: { ':p': { S: 'shard' } },
    };
    const { Items } = await client.send(new QueryCommand(query));
    const seen = Items?.map((item) => item[partitionKey.name]?.S);
    expect(seen).toEqual(due.sortKey.type === 'N' ? ['i3', 'i1'] : ['i1', 'i3']);
    await expect(client.send(new QueryCommand({ ...query, ConsistentRead: true }))).rejects.toMatchObject(invalid);
  });

  it('lets one of many at once win, by condition and in transactions', async () => {
    const take = (pk: string) => ({
      TableName,
      Key: key(pk),
      UpdateExpression: 'SET holder = :v',
      ConditionExpression: 'attribute_not_exists(holder)',
      ExpressionAttributeValues: one,
    });
    const won = async (attempt: (n: number) => Promise<unknown>) =>
      (await Promise.allSettled(Array.from({ length: 40 }, (_, n) => attempt(n)))).filter(
        ({ status }) => status === 'fulfilled',
      ).length;
    expect(await won(() => client.send(new UpdateItemCommand(take('race'))))).toBe(1);
    expect(
      await won((n) => transact({ Update: take('transacted race') }, { Put: { TableName, Item: key(`loser ${n}`) } })),
    ).toBe(1);
  });
});
