import { beforeEach, describe, expect, it } from 'vitest';
import { sqsSource } from '../../../connectors/sqs/plugin.ts';
import type { Settings } from '../../../src/config/config-def.ts';
import { DeclaredFeeds } from '../../../src/config/declared-feeds.ts';
import { RetriableError } from '../../../src/errors.ts';
import type { KafkaClient, Producer } from '../../../src/kafka/types.ts';
import { MemoryKafka } from '../../../src/testing/memory-kafka.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { createHarness, type Harness } from '../../support/worker-harness.ts';

const account = '111122223333';
const url = (queue: string) => `https://sqs.eu-west-1.amazonaws.com/${account}/${queue}`;
const arn = (queue: string) => `arn:aws:sqs:eu-west-1:${account}:${queue}`;

const strings = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
};
const config = (queue: string, more: Settings = {}): Settings => ({
  'connector.class': sqsSource.className,
  'sqs.queue.url': url(queue),
  topics: 'orders',
  ...strings,
  ...more,
});
/** A record whose body is no JSON is at fault in this chain. */
const poisoned: Settings = { 'value.converter': 'org.apache.kafka.connect.converters.IntegerConverter' };

interface Message {
  readonly id: string;
  readonly body: string;
  readonly group?: string;
  /** Epoch milliseconds. */
  readonly sentAt?: number;
}

const event = (queue: string, messages: readonly Message[]) => ({
  Records: messages.map(({ id, body, group, sentAt }) => ({
    messageId: id,
    receiptHandle: `handle-${id}`,
    body,
    attributes: {
      ...(group === undefined ? {} : { MessageGroupId: group }),
      ...(sentAt === undefined ? {} : { SentTimestamp: String(sentAt) }),
    },
    messageAttributes: {},
    eventSource: 'aws:sqs',
    eventSourceARN: arn(queue),
  })),
});
const message = (id: string, group?: string): Message => ({ id, body: id, ...(group === undefined ? {} : { group }) });
const failed = (...ids: string[]) => ({ batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) });

describe('a fed connector', () => {
  let kafka: MemoryKafka;
  let clock: ManualClock;
  let client: KafkaClient;
  let drover: Harness;

  beforeEach(() => {
    kafka = new MemoryKafka();
    kafka.createTopic('orders');
    clock = new ManualClock();
    client = kafka.client();
    drover = createHarness({
      kafka: async () => client,
      clock,
      settings: {
        feeds: new DeclaredFeeds(
          ['orders', 'orders.fifo'].map((name) => ({ key: arn(name), source: arn(name), mapping: null })),
        ),
        home: { region: 'eu-west-1' },
      },
    });
  });

  const feed = (queue: string, messages: readonly Message[]) =>
    drover.worker.feed(arn(queue), event(queue, messages), { deadlineAt: clock.now() + 30_000, workerId: 'feed' });

  /** Created, and its task started. */
  const start = async (name: string, settings: Settings) => {
    await drover.create(name, settings);
    return drover.runTask(name);
  };
  const delivered = (topic = 'orders') => {
    const values: string[] = [];
    const [partition] = kafka.log.topics.get(topic)?.partitions ?? [];
    for (let at = 0; at < (partition?.end ?? 0); at++) values.push(Buffer.from(partition!.at(at)!.value!).toString());
    return values;
  };
  const taskOf = (name: string) => drover.stores.config.getTask(name, 0);
  const claimOf = async (queue: string) => (await drover.stores.feeds.getClaims([arn(queue)]))[0];
  /** What an environment knows of a claim is old by then. */
  const later = () => clock.advance(2500);

  it('takes its event source, starts once, is due no more, and answers when Kafka has acknowledged', async () => {
    await start('q', config('orders'));
    expect(await claimOf('orders')).toMatchObject({ connector: 'q', open: true });
    expect(await taskOf('q')).toMatchObject({ state: 'RUNNING', dueAt: null, watched: false });

    const report = await feed('orders', [message('a'), message('b')]);
    expect(report).toEqual({ taken: true, answer: failed(), tainted: false });
    expect(delivered()).toEqual(['a', 'b']);
    expect((await taskOf('q'))!.counters).toMatchObject({ runs: 1, records: 2 });
    expect(await drover.stores.status.activeTopics('q')).toEqual(['orders']);
  });

  it('tells how far behind it is, and that it has caught up at once: nothing may come after that', async () => {
    await start('q', config('orders'));
    const sent = (id: string, secondsAgo: number) => ({ ...message(id), sentAt: Date.now() - secondsAgo * 1000 });
    await feed('orders', [sent('a', 90)]);
    const behind = (await taskOf('q'))!.counters.lagSeconds;
    expect(behind).toBeGreaterThanOrEqual(90);
    await clock.advance(10);
    await feed('orders', [sent('b', 60)]);
    expect((await taskOf('q'))!.counters).toMatchObject({ lagSeconds: behind, records: 1 });
    await clock.advance(10);
    await feed('orders', [{ ...message('c'), sentAt: Date.now() + 60_000 }]);
    expect((await taskOf('q'))!.counters).toMatchObject({ lagSeconds: 0, records: 3 });
  });

  it('has not succeeded while Kafka is away', async () => {
    await start('q', config('orders'));
    await feed('orders', [message('a')]);
    const before = (await taskOf('q'))!.counters;
    await later();
    takeKafkaAway();
    await feed('orders', [message('b')]);
    const after = (await taskOf('q'))!.counters;
    expect(after.lastRunAt).toBeGreaterThan(before.lastRunAt!);
    expect(after.lastSuccessAt).toBe(before.lastSuccessAt);
  });

  it('polls where the event source is not declared', async () => {
    await drover.create('q', config('undeclared'));
    expect(await claimOf('undeclared')).toBeUndefined();
    expect((await taskOf('q'))!.config['drover.feed.key']).toBeUndefined();
  });

  it('shares an event source with nobody: the second one is FAILED and names the first', async () => {
    await start('q', config('orders'));
    await drover.create('other', config('orders'));
    const other = await drover.stores.config.getConnector('other');
    expect(other).toMatchObject({ state: 'FAILED' });
    expect(other!.trace).toContain('feeds connector q already');
    expect(await claimOf('orders')).toMatchObject({ connector: 'q', open: true });
  });

  it('gives its event source back when it is deleted or stopped, and for another one', async () => {
    await start('q', config('orders'));
    await start('q', config('orders.fifo'));
    expect(await claimOf('orders')).toBeUndefined();
    expect(await claimOf('orders.fifo')).toMatchObject({ connector: 'q', open: true });

    await drover.stores.config.putTargetState('q', 'STOPPED', clock.now());
    await drover.runConnector('q');
    expect(await claimOf('orders.fifo')).toBeUndefined();

    await drover.stores.config.putTargetState('q', 'STARTED', clock.now());
    await drover.runConnector('q');
    await drover.stores.config.deleteConnector('q', clock.now());
    await drover.runConnector('q');
    expect(await claimOf('orders.fifo')).toBeUndefined();
  });

  it('takes over what a connector has left that is no more', async () => {
    await start('gone', config('orders'));
    const { feeds } = drover.stores;
    const { release } = feeds;
    feeds.release = async () => {};
    await drover.stores.config.deleteConnector('gone', clock.now());
    await drover.runConnector('gone');
    feeds.release = release;
    expect(await claimOf('orders')).toMatchObject({ connector: 'gone' });

    await start('heir', config('orders'));
    expect(await claimOf('orders')).toMatchObject({ connector: 'heir', open: true });
  });

  it('is paused and resumed with its event source, and what comes meanwhile is given back', async () => {
    await start('q', config('orders'));
    await drover.stores.config.putTargetState('q', 'PAUSED', clock.now());
    await drover.runConnector('q');
    expect(await claimOf('orders')).toMatchObject({ connector: 'q', open: false });
    await later();
    const held = await feed('orders', [message('a')]);
    expect(held).toMatchObject({ taken: false, why: 'held' });
    expect(delivered()).toEqual([]);

    await drover.stores.config.putTargetState('q', 'STARTED', clock.now());
    await drover.runConnector('q');
    await drover.runTask('q');
    await later();
    expect(await feed('orders', [message('a')])).toMatchObject({ taken: true, answer: failed() });
    expect(delivered()).toEqual(['a']);
  });

  it('an event for no connector is given back, noted, and not asked for at each event', async () => {
    expect(await feed('orders', [message('a')])).toMatchObject({ taken: false, why: 'unclaimed' });
    expect(await claimOf('orders')).toMatchObject({ connector: null, unclaimedAt: clock.now() });
    expect(drover.events).toContainEqual({
      event: 'feed.unclaimed',
      facts: expect.objectContaining({ feed: arn('orders'), events: 1 }),
    });
  });

  it('errors.tolerance=none: in front of the record at fault counts, behind it not, and the connector is FAILED', async () => {
    await start('q', config('orders', poisoned));
    const report = await feed('orders', [message('a'), message('b')]);
    expect(report).toMatchObject({ taken: true, answer: failed('a', 'b') });
    expect(await taskOf('q')).toMatchObject({ state: 'FAILED' });
    expect((await taskOf('q'))!.trace).toContain('Tolerance exceeded');
    expect(await claimOf('orders')).toMatchObject({ open: false });
    expect(await feed('orders', [message('c')])).toMatchObject({ taken: false, why: 'held' });

    // As after a restart: it starts anew, and its event source with it.
    await drover.stores.config.requestRestart('q', { connector: false, tasks: [0] }, clock.now());
    await drover.runTask('q');
    expect(await taskOf('q')).toMatchObject({ state: 'RUNNING', trace: null });
    expect(await claimOf('orders')).toMatchObject({ open: true });
  });

  it('errors.tolerance=all: counts when its dead letter is acknowledged', async () => {
    await start(
      'q',
      config('orders', {
        ...poisoned,
        'errors.tolerance': 'all',
        'drover.errors.deadletterqueue.topic.name': 'letters',
      }),
    );
    expect(await feed('orders', [message('a'), message('b')])).toMatchObject({ taken: true, answer: failed() });
    expect(delivered()).toEqual([]);
    expect(delivered('letters')).toEqual(['a', 'b']);
    expect(await taskOf('q')).toMatchObject({ state: 'RUNNING' });
  });

  const pointed: Settings = { 'sqs.record.key.pointer': '/id', 'sqs.record.key.missing': 'fail' };
  const json = (id: string, group: string): Message => ({ id, group, body: JSON.stringify({ id }) });

  it('sqs.refused.messages=return: the others count, but for the later ones of its group', async () => {
    await start('q', config('orders.fifo', { ...pointed, 'sqs.refused.messages': 'return' }));
    const report = await feed('orders.fifo', [
      json('a1', 'a'),
      { id: 'b1', body: 'no JSON', group: 'b' },
      json('a2', 'a'),
      json('b2', 'b'),
      json('c1', 'c'),
    ]);
    expect(report).toMatchObject({ taken: true, answer: failed('b1', 'b2') });
    expect(delivered()).toEqual(['{"id":"a1"}', '{"id":"a2"}', '{"id":"c1"}']);
    expect(await taskOf('q')).toMatchObject({ state: 'RUNNING' });
  });

  /** Until what it returns is called. */
  const takeKafkaAway = () => {
    const away: Producer['send'] = async () => {
      throw new RetriableError('no broker answers');
    };
    const { producer } = client;
    client.producer = async (overrides) => {
      const real = await producer(overrides);
      return { newBatch: () => real.newBatch(), send: away, close: () => real.close() };
    };
    return () => {
      client.producer = producer;
    };
  };

  it('Kafka away: everything is given back and nothing is FAILED', async () => {
    await start('q', config('orders'));
    const bringBack = takeKafkaAway();
    expect(await feed('orders', [message('a'), message('b')])).toMatchObject({ answer: failed('a', 'b') });
    expect(await taskOf('q')).toMatchObject({ state: 'RUNNING' });
    bringBack();
    expect(await feed('orders', [message('a'), message('b')])).toMatchObject({ answer: failed() });
    expect(delivered()).toEqual(['a', 'b']);
  });

  it('Kafka away: its event source rests, longer each time, till an event is delivered', async () => {
    await start('q', config('orders'));
    const bringBack = takeKafkaAway();
    const restOf = async () => {
      const { open, restsUntil, rests } = (await claimOf('orders'))!;
      return { open, seconds: restsUntil === null ? null : (restsUntil - clock.now()) / 1000, rests };
    };
    const seconds = [30, 60, 120, 240, 300, 300];
    for (const [before, length] of seconds.entries()) {
      await feed('orders', [message('a')]);
      expect(await restOf()).toEqual({ open: true, seconds: length, rests: before + 1 });
      // What is on its way meanwhile changes nothing.
      await feed('orders', [message('b')]);
      expect(await restOf()).toEqual({ open: true, seconds: length, rests: before + 1 });
      await clock.advance(length * 1000);
    }
    bringBack();
    expect(await feed('orders', [message('a')])).toMatchObject({ answer: failed() });
    expect(await restOf()).toEqual({ open: true, seconds: null, rests: 0 });
  });

  it('does not rest for one item that has to wait while others are delivered', async () => {
    await start('q', config('orders.fifo', { ...pointed, 'sqs.refused.messages': 'return' }));
    await feed('orders.fifo', [{ id: 'b1', body: 'no JSON', group: 'b' }, json('b2', 'b')]);
    expect(await claimOf('orders.fifo')).toMatchObject({ open: true, restsUntil: null });
  });

  it('answers in time though Kafka never does, and its environment goes on', async () => {
    const created = { 'topic.creation.default.partitions': '1', 'topic.creation.default.replication.factor': '1' };
    await start('q', config('orders', created));
    const { adminWith } = client;
    client.adminWith = (overrides) =>
      Object.assign(Object.create(adminWith(overrides)), { describeTopics: () => new Promise(() => {}) });
    const report = await clock.run(feed('orders', [message('a')]));
    expect(report).toMatchObject({ taken: false, why: 'failed', tainted: false });
    client.adminWith = adminWith;
    await later();
    expect(await claimOf('orders')).toMatchObject({ rests: 1 });
    expect(delivered()).toEqual([]);
  });

  it('answers though the table cannot be told that it is to rest', async () => {
    await start('q', config('orders'));
    const bringBack = takeKafkaAway();
    drover.stores.feeds.rest = async () => {
      throw new RetriableError('the table is throttled');
    };
    expect(await feed('orders', [message('a')])).toMatchObject({ answer: failed('a') });
    bringBack();
    expect(await feed('orders', [message('a')])).toMatchObject({ answer: failed() });
  });

  it('gives an event back when the table cannot say whose it is, and asks again at the next', async () => {
    await start('q', config('orders'));
    await later();
    const { getClaims } = drover.stores.feeds;
    drover.stores.feeds.getClaims = async () => {
      throw new RetriableError('the table is throttled');
    };
    expect(await feed('orders', [message('a')])).toMatchObject({ taken: false, why: 'failed', tainted: false });
    drover.stores.feeds.getClaims = getClaims.bind(drover.stores.feeds);
    expect(await feed('orders', [message('a')])).toMatchObject({ taken: true, answer: failed() });
  });

  it('what a transformation drops counts', async () => {
    const dropped = { transforms: 'drop', 'transforms.drop.type': 'org.apache.kafka.connect.transforms.Filter' };
    await start('q', config('orders', dropped));
    expect(await feed('orders', [message('a')])).toMatchObject({ answer: failed() });
    expect(delivered()).toEqual([]);
  });

  it('a config that cannot work is FAILED when it starts, and its event source stays held', async () => {
    const broken = {
      transforms: 't',
      'transforms.t.type': 'org.apache.kafka.connect.transforms.Cast$Value',
      'transforms.t.spec': 'x:nothing',
    };
    await start('q', config('orders', broken));
    expect(await taskOf('q')).toMatchObject({ state: 'FAILED' });
    expect(await claimOf('orders')).toMatchObject({ connector: 'q', open: false });
  });

  it('makes no table request of an event once it is known: a hundred events cost the reads of one', async () => {
    await start('q', config('orders'));
    await feed('orders', [message('a')]);
    const asked: string[] = [];
    for (const [room, store] of Object.entries(drover.stores)) {
      for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(store))) {
        const real: unknown = Reflect.get(store, name);
        if (typeof real !== 'function' || name === 'constructor') continue;
        Reflect.set(store, name, (...args: unknown[]) => {
          asked.push(`${room}.${name}`);
          return Reflect.apply(real, store, args);
        });
      }
    }
    for (let i = 0; i < 100; i++) await feed('orders', [message(`m${i}`)]);
    expect(asked).toEqual([]);
    expect(delivered()).toHaveLength(101);
  });
});

describe('a webhook, one of many', () => {
  const clock = new ManualClock();
  const kafka = new MemoryKafka();
  const drover = createHarness({
    kafka: async () => kafka.client(),
    clock,
    settings: { feeds: new DeclaredFeeds([{ key: 'hook:*', source: 'arn:aws:sqs:x', mapping: null }]) },
  });
  const ask = async (name: string) => {
    await clock.advance(2500);
    const event = { requestContext: { http: { method: 'POST' } }, pathParameters: { connector: name } };
    const report = await drover.worker.feed(`hook:${name}`, event, {
      deadlineAt: clock.now() + 30_000,
      workerId: 'feed',
    });
    return report.taken ? 'taken' : `${report.why}: ${report.error.message}`;
  };
  const hook: Settings = {
    ...strings,
    'connector.class': 'WebhookSource',
    'kafka.topic': 'hooks',
    'http.auth.type': 'none',
  };
  const held = (name: string, why: string) => `held: Connector ${name}, which takes the events of hook:${name}, ${why}`;

  it('is told from one that is not there while it is stopped, FAILED, or has not begun', async () => {
    const { config } = drover.stores;
    expect(await ask('none')).toMatch(/^unclaimed: /);
    await config.putConnectorConfig('h', 'source', { name: 'h', ...hook }, clock.now());
    expect(await ask('h')).toBe(held('h', 'is about to start'));
    await drover.runConnector('h');
    await drover.runTask('h');
    expect(await ask('h')).toBe('taken');
    await config.putTargetState('h', 'STOPPED', clock.now());
    await drover.runConnector('h');
    expect(await ask('h')).toBe(held('h', 'is STOPPED'));
    await config.putTargetState('h', 'STARTED', clock.now());
    await drover.runConnector('h');
    await drover.runTask('h');
    expect(await ask('h')).toBe('taken');
    await config.deleteConnector('h', clock.now());
    await drover.runConnector('h');
    expect(await ask('h')).toMatch(/^unclaimed: /);
  });

  it('is no connector of another kind that has the name', async () => {
    const { config } = drover.stores;
    for (const [name, className] of [
      ['queue', sqsSource.className],
      ['gone', 'com.example.Gone'],
    ] as const) {
      const settings = { name, 'connector.class': className, 'sqs.queue.url': url('x') };
      await config.putConnectorConfig(name, 'source', settings, clock.now());
      expect(await ask(name)).toMatch(/^unclaimed: /);
    }
    expect(await ask('')).toMatch(/^unclaimed: /);
  });
});
