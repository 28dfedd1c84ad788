import { expect, test } from 'vitest';
import { ManualClock } from '../support/manual-clock.ts';
import { createMemoryRest } from '../support/memory-rest.ts';

const bus = (feed: string) => ({
  'connector.class': 'EventBridgeSource',
  'eventbridge.feed': feed,
  'kafka.topic': 't',
});

function setUp() {
  const clock = new ManualClock();
  const rest = createMemoryRest({ feeds: ['eventbridge:orders', 'eventbridge:bills'], clock });
  const create = (name: string, feed: string, state = 'RUNNING') =>
    rest.call('POST', '/connectors', { name, initial_state: state, config: bus(feed) });
  return { rest, clock, create };
}

const taken = {
  status: 400,
  body: { message: expect.stringMatching(/eventbridge\.feed: eventbridge:orders feeds connector first already/) },
};

test('of connectors that are made for one event source, the first has it, though its run has not taken it yet', async () => {
  const { create } = setUp();
  expect((await create('first', 'orders')).status).toBe(201);
  expect(await create('second', 'orders')).toMatchObject(taken);
  expect((await create('second', 'bills')).status).toBe(201);
  const { create: other } = setUp();
  const all = await Promise.all(['a', 'b', 'c', 'd'].map((name) => other(name, 'orders')));
  expect(all.map(({ status }) => status).sort()).toEqual([201, 400, 400, 400]);
});

test('a change of config is refused as well, and its own event source is nobody else’s', async () => {
  const { rest, create } = setUp();
  await create('first', 'orders');
  await create('second', 'bills');
  const put = await rest.call('PUT', '/connectors/second/config', bus('orders'));
  expect(put).toMatchObject(taken);
  expect(await rest.call('PATCH', '/connectors/second/config', { 'eventbridge.feed': 'orders' })).toMatchObject(taken);
  expect((await rest.call('PUT', '/connectors/first/config', { ...bus('orders'), 'tasks.max': '1' })).status).toBe(200);
  expect((await create('first', 'orders')).status).toBe(409);
});

test('one that is STOPPED, made so or changed then, keeps nothing from others, and what is never taken is another’s after two minutes', async () => {
  const { rest, clock, create } = setUp();
  await create('resting', 'orders', 'STOPPED');
  const changed = { ...bus('orders'), 'tasks.max': '1' };
  expect((await rest.call('PUT', '/connectors/resting/config', changed)).status).toBe(200);
  expect((await rest.call('PATCH', '/connectors/resting/config', { 'tasks.max': '2' })).status).toBe(200);
  expect((await create('first', 'orders')).status).toBe(201);
  await rest.call('DELETE', '/connectors/first');
  expect(await create('second', 'orders')).toMatchObject(taken);
  await clock.advance(120_000);
  expect((await create('second', 'orders')).status).toBe(201);
  expect((await create('third', 'orders')).status).toBe(400);
});

test('a feed that nobody has deployed is told by validation, with what makes it', async () => {
  const { rest, create } = setUp();
  expect(await create('lost', 'oders')).toMatchObject({
    status: 400,
    body: { message: expect.stringMatching(/No feed oders is deployed: make it with eventBridgeSource\(drover, /) },
  });
  const path = '/connector-plugins/EventBridgeSource/config/validate';
  const { body } = await rest.call('PUT', path, { name: 'x', ...bus('oders') });
  const { configs } = body as { configs: { value: { name: string; errors: string[] } }[] };
  expect(configs.find(({ value }) => value.name === 'eventbridge.feed')?.value.errors).toHaveLength(1);
});
