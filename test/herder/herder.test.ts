import { beforeEach, describe, expect, it } from 'vitest';
import type { AnyPlugin } from '../../src/api/plugin.ts';
import { definePlugin } from '../../src/api/plugin.ts';
import { defineConfig } from '../../src/config/config-def.ts';
import { mostLoggers } from '../../src/herder/loggers.ts';
import { everyTick } from '../../src/storage/due-index.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { actConnectorRun, createMemoryRest, type MemoryRest } from '../support/memory-rest.ts';

const source = { 'connector.class': 'FileStreamSource', file: '/f', topic: 't' };
const sink = { 'connector.class': 'FileStreamSink', topics: 't' };

/** A source that says nothing about offsets. */
const silent = definePlugin({
  kind: 'source',
  className: 'com.example.SilentSourceConnector',
  version: '1.0',
  doc: 'Says nothing.',
  config: defineConfig({ secret: { type: 'PASSWORD', default: null, importance: 'HIGH', doc: 'A secret.' } }),
  create: () => ({ start() {}, stop() {}, taskConfigs: () => [{}], createTask: () => Promise.reject() as never }),
});

let rest: MemoryRest;
const create = (name: string, config: object = source, initial_state = 'RUNNING') =>
  rest.call('POST', '/connectors', { name, config, initial_state });
const stop = async (name: string) => {
  await rest.call('PUT', `/connectors/${name}/stop`);
  await actConnectorRun(rest, name, []);
};

beforeEach(() => {
  rest = createMemoryRest({ plugins: [silent as AnyPlugin] });
});

describe('status', () => {
  it('tells worker, version and trace, and UNASSIGNED before the first run', async () => {
    await create('a');
    expect((await rest.call('GET', '/connectors/a/status')).body).toEqual({
      name: 'a',
      connector: { state: 'UNASSIGNED', worker_id: 'unassigned', version: null },
      tasks: [],
      type: 'source',
    });
    await actConnectorRun(rest, 'a', [{ state: 'RUNNING' }, { state: 'FAILED', trace: 'boom' }]);
    expect((await rest.call('GET', '/connectors/a/status')).body).toEqual({
      name: 'a',
      connector: { state: 'RUNNING', worker_id: 'w-connector', version: '4.3.0' },
      tasks: [
        { id: 0, state: 'RUNNING', worker_id: 'w-0', version: '4.3.0' },
        { id: 1, state: 'FAILED', worker_id: 'w-1', version: '4.3.0', trace: 'boom' },
      ],
      type: 'source',
    });
  });

  it('shows a connector created anew none of its namesake’s tasks', async () => {
    await create('a');
    await actConnectorRun(rest, 'a', [{}, {}]);
    await rest.call('DELETE', '/connectors/a');
    expect((await create('a', sink)).body).toMatchObject({ tasks: [], type: 'sink' });
    expect((await rest.call('GET', '/connectors/a/tasks')).body).toEqual([]);
    expect((await rest.call('GET', '/connectors/a/status')).body).toMatchObject({ tasks: [], type: 'sink' });
    expect((await rest.call('GET', '/connectors?expand=info&expand=status')).body).toMatchObject({
      a: { info: { tasks: [] }, status: { tasks: [] } },
    });
  });

  it('pages through many connectors inside and answers them whole', async () => {
    const { createMemoryStores } = await import('../../src/storage/memory/stores.ts');
    rest = createMemoryRest({ stores: createMemoryStores({ pageSize: 7 }) });
    const names = Array.from({ length: 60 }, (_, i) => `c${String(i).padStart(2, '0')}`);
    for (const name of names) await create(name);
    expect((await rest.call('GET', '/connectors')).body).toEqual(names);
    const { body } = await rest.call('GET', '/connectors?expand=status');
    expect(Object.keys(body as object)).toEqual(names);
  });
});

describe('restart', () => {
  const states = (body: unknown) => {
    const { connector, tasks } = body as { connector: { state: string }; tasks: { state: string }[] };
    return [connector.state, ...tasks.map(({ state }) => state)];
  };

  it.each<[string, number, string[] | null]>([
    ['', 204, null],
    ['?includeTasks=true', 202, ['RESTARTING', 'RESTARTING', 'RESTARTING']],
    ['?includeTasks=true&onlyFailed=true', 202, ['RUNNING', 'RUNNING', 'RESTARTING']],
    ['?onlyFailed=true', 202, ['RUNNING', 'RUNNING', 'FAILED']],
  ])('%s answers %i and says what the states are about to be', async (query, status, told) => {
    await create('a');
    await actConnectorRun(rest, 'a', [{}, { state: 'FAILED', trace: 'boom' }]);
    const answer = await rest.call('POST', `/connectors/a/restart${query}`);
    expect(answer.status).toBe(status);
    if (told !== null) expect(states(answer.body)).toEqual(told);
  });

  it('makes due what is restarted, and nothing else', async () => {
    await create('a');
    await actConnectorRun(rest, 'a', [{}, { state: 'FAILED', trace: 'boom' }]);
    const due = async () => (await rest.stores.due.due(rest.clock.now(), 10)).map(({ run }) => run.task);
    expect(await due()).toEqual([]);
    await rest.call('POST', '/connectors/a/restart?includeTasks=true&onlyFailed=true');
    expect(await due()).toEqual([1]);
    await rest.call('POST', '/connectors/a/tasks/0/restart');
    expect((await due()).sort()).toEqual([0, 1]);
  });
});

describe('offsets by hand', () => {
  const put = (name: string, partition: unknown, offset: unknown) =>
    rest.call('PATCH', `/connectors/${name}/offsets`, { offsets: [{ partition, offset }] });
  const at = (filename: string, position: number) => ({ partition: { filename }, offset: { position } });

  it('are refused while tasks may run, also when they are only being stopped', async () => {
    await create('a');
    await actConnectorRun(rest, 'a', [{}]);
    for (const verb of ['pause', 'stop']) {
      await rest.call('PUT', `/connectors/a/${verb}`);
      expect(await put('a', { filename: 'f' }, { position: 1 })).toMatchObject({
        status: 400,
        body: { message: expect.stringContaining('must be in the STOPPED state') },
      });
    }
    await actConnectorRun(rest, 'a', []);
    expect((await put('a', { filename: 'f' }, { position: 1 })).status).toBe(200);
  });

  it('can be undone, step by step back and forth', async () => {
    await create('a');
    await stop('a');
    await put('a', { filename: 'f' }, { position: 1 });
    await put('a', { filename: 'g' }, { position: 2 });
    await rest.call('DELETE', '/connectors/a/offsets');
    expect((await rest.call('GET', '/connectors/a/offsets')).body).toEqual({ offsets: [] });
    const history = await rest.call('GET', '/drover/connectors/a/offsets/history');
    expect(history.body).toMatchObject({ changes: [{ before: [{}, {}], after: [] }, {}, {}] });
    expect((await rest.call('POST', '/drover/connectors/a/offsets/undo')).status).toBe(200);
    const { body } = await rest.call('GET', '/connectors/a/offsets');
    expect((body as { offsets: unknown[] }).offsets).toEqual(expect.arrayContaining([at('f', 1), at('g', 2)]));
    expect((await rest.call('POST', '/drover/connectors/a/offsets/undo')).status).toBe(200);
    expect((await rest.call('GET', '/connectors/a/offsets')).body).toEqual({ offsets: [] });
  });

  it('has nothing to undo where nothing was done', async () => {
    await create('a');
    await stop('a');
    expect((await rest.call('POST', '/drover/connectors/a/offsets/undo')).status).toBe(400);
    expect((await rest.call('POST', '/drover/connectors/none/offsets/undo')).status).toBe(404);
  });

  it('keep 64 bits for sinks too, and the last of several wins', async () => {
    await create('a', sink);
    await stop('a');
    const body = `{"offsets":[${[1, '"7"', '9007199254740993'].map((offset) => `{"partition":{"kafka_topic":"t","kafka_partition":"0"},"offset":{"kafka_offset":${offset}}}`).join()}]}`;
    expect((await rest.call('PATCH', '/connectors/a/offsets', body)).status).toBe(200);
    expect(await rest.herder.offsets('a')).toEqual([
      { partition: '{"kafka_topic":"t","kafka_partition":0}', offset: '{"kafka_offset":9007199254740993}' },
    ]);
  });

  it.each([
    ['1.5', '1.5'],
    ['3.0', '3.0'],
    ['1e30', '1.0E30'],
    ['12345678.0', '1.2345678E7'],
  ])('of a sink are refused as %s with the text that Java has of it', async (sent, shown) => {
    await create('a', sink);
    await stop('a');
    const body = `{"offsets":[{"partition":{"kafka_topic":"t","kafka_partition":0},"offset":{"kafka_offset":${sent}}}]}`;
    const answer = await rest.call('PATCH', '/connectors/a/offsets', body);
    expect(answer).toMatchObject({ status: 400, body: { message: expect.stringContaining(`offsets: '${shown}'.`) } });
  });

  it('say so when the connector may keep offsets of its own', async () => {
    await create('a', { 'connector.class': 'SilentSource' });
    await stop('a');
    const altered = await put('a', { p: 1 }, { o: 1.5 });
    expect(altered.body).toEqual({ message: expect.stringContaining('However, if this connector manages offsets') });
    expect((await rest.call('GET', '/connectors/a/offsets')).body).toEqual({
      offsets: [{ partition: { p: 1 }, offset: { o: 1.5 } }],
    });
  });
});

describe('secrets and settings', () => {
  it('hides a PASSWORD in what validation tells', async () => {
    const config = { 'connector.class': 'SilentSource', name: 'a', secret: 'hunter2' };
    const { body } = await rest.call('PUT', '/connector-plugins/SilentSource/config/validate', config);
    expect(JSON.stringify(body)).not.toContain('hunter2');
    expect(JSON.stringify(body)).toContain('[hidden]');
  });

  it('leaves references to the run that resolves them, and shows them as they are', async () => {
    const config = { ...source, 'tasks.max': '${env:TASKS}', 'batch.size': '${secretsmanager:a:b}', topic: '' };
    const refused = await create('a', config);
    expect((refused.body as { message: string }).message).toMatch(
      /1 error\(s\):\nInvalid value {2}for configuration topic/,
    );
    const { status, body } = await create('a', { ...config, topic: 't' });
    expect([status, (body as { config: object }).config]).toEqual([201, { ...config, topic: 't', name: 'a' }]);
  });

  it('checks the settings that only Drover has, and tells of them only where they are used', async () => {
    const wrong = await create('a', { ...source, 'drover.schedule': 'daily', 'drover.shedule': 'once' });
    expect(wrong.status).toBe(400);
    expect((wrong.body as { message: string }).message).toMatch(
      /2 error\(s\).*drover\.schedule: it must.*no setting drover\.shedule/s,
    );
    expect((await create('a', { ...source, 'drover.schedule': 'rate(5 minutes)' })).status).toBe(201);
    const plain = await rest.call('PUT', '/connector-plugins/FileStreamSource/config/validate', {
      ...source,
      name: 'x',
    });
    expect(JSON.stringify(plain.body)).not.toContain('drover');
  });
});

describe('a patch', () => {
  it('never loses another one made at the same time', async () => {
    await create('a');
    const patches = Array.from({ length: 8 }, (_, i) =>
      rest.call('PATCH', '/connectors/a/config', { [`k${i}`]: `${i}` }),
    );
    expect((await Promise.all(patches)).map(({ status }) => status)).toEqual(patches.map(() => 200));
    const { body } = await rest.call('GET', '/connectors/a/config');
    expect(Object.keys(body as object)).toEqual(expect.arrayContaining(patches.map((_, i) => `k${i}`)));
  });

  it('leaves the settings in the order in which Java writes them then', async () => {
    const config = { 'connector.class': 'FileStreamSource', 'tasks.max': '1', topic: 't', file: '/in', zulu: '1' };
    await create('a', { ...config, alpha: 'x', 'batch.size': '7' });
    await rest.call('PATCH', '/connectors/a/config', { zulu: null, yankee: '2' });
    const { body } = await rest.call('GET', '/connectors/a/config');
    expect(Object.keys(body as object)).toEqual([
      'connector.class',
      'yankee',
      'file',
      'tasks.max',
      'alpha',
      'batch.size',
      'name',
      'topic',
    ]);
  });
});

describe('what Kafka Connect takes and no task can run with', () => {
  const creation = { 'topic.creation.default.partitions': '1', 'topic.creation.default.replication.factor': '1' };
  const dead = 'errors.deadletterqueue.topic.name';
  const long = 'x'.repeat(250);

  it.each([
    ['producer.override.acks', source, { 'producer.override.acks': '7' }, /Invalid value 7 for configuration acks/],
    ['producer.override.linger.ms', source, { 'producer.override.linger.ms': '-1' }, /at least 0/],
    ['producer.override.delivery.timeout.ms', source, { 'producer.override.delivery.timeout.ms': '1' }, /linger.ms/],
    ['consumer.override.auto.offset.reset', sink, { 'consumer.override.auto.offset.reset': 'middle' }, /earliest/],
    [
      'consumer.override.heartbeat.interval.ms',
      sink,
      { 'consumer.override.heartbeat.interval.ms': '60000' },
      /set lower than session/,
    ],
    [
      'topic.creation.groups',
      source,
      { ...creation, 'topic.creation.default.partitions': '0' },
      /default.partitions: Num/,
    ],
    ['topic.creation.groups', source, { 'topic.creation.default.partitions': '1' }, /replication.factor" which has no/],
    ['topic', source, { topic: 'a b' }, /"a b" is no name that a topic may have/],
    ['topic', source, { topic: long }, /at most 249/],
    ['topic', source, { topic: '.' }, /"\." is no name/],
    ['topics', sink, { topics: 'good, a b' }, /"a b"/],
    [dead, sink, { [dead]: 'a b' }, /"a b"/],
    [`drover.${dead}`, source, { [`drover.${dead}`]: 'a b' }, /"a b"/],
    ['offsets.storage.topic', source, { 'offsets.storage.topic': 'a b' }, /"a b"/],
  ])('%s is made, as there, and told by validate: %#', async (key, base, more, message) => {
    const config = { ...base, ...more };
    const validated = await rest.call('PUT', `/connector-plugins/${base['connector.class']}/config/validate`, {
      name: 'w',
      ...config,
    });
    const { configs, error_count: errors } = validated.body as {
      configs: { value: { name: string; warnings?: string[] } }[];
      error_count: number;
    };
    expect(errors).toBe(0);
    const told = configs.flatMap(({ value: { name, warnings = [] } }) => warnings.map((one) => [name, one]));
    expect(told).toEqual([[key, expect.stringMatching(message)]]);
    expect((await create('w', config)).status).toBe(201);
  });

  it.each([
    [source, creation],
    [
      source,
      {
        topic: 'a b',
        transforms: 'r',
        'transforms.r.type': 'org.apache.kafka.connect.transforms.RegexRouter',
        'transforms.r.regex': 'a b',
        'transforms.r.replacement': 'ab',
      },
    ],
    [source, { 'producer.override.acks': '${file:/secrets:acks}' }],
    [sink, { 'topics.regex': 'a b', topics: '' }],
  ])('of what may be well nothing is told: %#', async (base, more) => {
    const path = `/connector-plugins/${base['connector.class']}/config/validate`;
    expect(JSON.stringify((await rest.call('PUT', path, { name: 'w', ...base, ...more })).body)).not.toContain(
      'warnings',
    );
  });
});

describe('values of query parameters that nobody foresaw are read as a Java worker reads them', () => {
  it.each([
    ['GET', '/connectors?expand=foo', 200, { a: {} }],
    ['GET', '/connectors?expand=', 200, { a: {} }],
    ['GET', '/connectors?expand=STATUS', 200, { a: {} }],
    ['GET', '/connectors?expand=status,info', 200, { a: {} }],
    ['GET', '/connectors?bar=foo', 200, ['a']],
    ['POST', '/connectors/a/restart?includeTasks=maybe', 204, undefined],
    ['POST', '/connectors/a/restart?includeTasks=', 204, undefined],
    ['POST', '/connectors/a/restart?includeTasks=1', 204, undefined],
    ['POST', '/connectors/a/restart?includeTasks=%20true', 204, undefined],
    ['POST', '/connectors/a/restart?includeTasks=false&includeTasks=true', 204, undefined],
    ['POST', '/connectors/a/restart?includeTasks=TRUE', 202, expect.objectContaining({ name: 'a' })],
    ['POST', '/connectors/a/restart?onlyFailed=true', 202, expect.objectContaining({ name: 'a' })],
  ])('%s %s', async (method, path, status, body) => {
    await create('a');
    await actConnectorRun(rest, 'a', [{}]);
    const answer = await rest.call(method, path);
    expect(answer.status).toBe(status);
    if (body !== undefined) expect(answer.body).toEqual(body);
  });
});

it('how far behind the last event of a feed was is told while another may follow, or while it is not delivered', async () => {
  const clock = new ManualClock();
  rest = createMemoryRest({ clock });
  await create('fed');
  await actConnectorRun(rest, 'fed', [{ config: { 'drover.feed.key': 'queue' } }]);
  const lag = async () => {
    const { body } = await rest.call('GET', '/drover/connectors/fed');
    return (body as { tasks: { lag: { seconds: number | null } }[] }).tasks[0]!.lag.seconds;
  };
  const progress = { runs: 1, records: 1, bytes: 1, lag: { seconds: 46, left: null } };
  await rest.stores.feeds.addProgress('fed', { ...progress, succeeded: true }, clock.now());
  await clock.advance(30_000);
  expect(await lag()).toBe(46);
  await clock.advance(1);
  expect(await lag()).toBeNull();
  await rest.stores.feeds.addProgress('fed', { ...progress, succeeded: false }, clock.now());
  await clock.advance(600_000);
  expect(await lag()).toBe(46);
});

describe('a replay of dead letters', () => {
  const replay = (name: string, body?: unknown) =>
    rest.call('POST', `/drover/connectors/${name}/dead-letters/replay`, body);
  const queue = { 'errors.deadletterqueue.topic.name': 'dlq', 'errors.tolerance': 'all' };

  it('I6: is taken with one write that makes the connector due, and told in its report', async () => {
    await create('a', { ...sink, ...queue });
    await actConnectorRun(rest, 'a', []);
    expect((await rest.stores.config.getConnector('a'))?.dueAt).toBeNull();
    expect((await rest.call('GET', '/drover/connectors/a')).body).toMatchObject({ replay: null });
    for (const body of [undefined, {}, { topic: null }, { topic: 'other' }]) {
      expect(await replay('a', body)).toMatchObject({ status: 202, body: { message: expect.stringContaining('a') } });
    }
    expect(await rest.stores.config.getConnector('a')).toMatchObject({
      dueAt: rest.clock.now(),
      replayRequest: { number: 4, target: 'other' },
    });
    expect((await rest.call('GET', '/drover/connectors/a')).body).toMatchObject({
      settled: false,
      replay: {
        requested_at: new Date(rest.clock.now()).toISOString(),
        topic: null,
        done_at: null,
        replayed: 0,
        left: 0,
        others: 0,
        error: null,
      },
    });
  });

  it('is refused where there is no queue, or none that could be read or written to', async () => {
    await create('plain', sink);
    await create('b', { ...sink, ...queue });
    await create('s', { ...source, 'drover.errors.deadletterqueue.topic.name': 'dlq' });
    await create('far', { ...sink, ...queue, 'producer.override.bootstrap.servers': 'elsewhere:9092' });
    const refusals: [string, unknown, number, string][] = [
      ['nobody', undefined, 404, 'nobody'],
      ['plain', undefined, 400, 'errors.deadletterqueue.topic.name'],
      ['s', undefined, 400, '"topic"'],
      ['far', undefined, 400, 'producer.override.bootstrap.servers'],
      ['b', { topic: 'dlq' }, 400, 'dead letter queue itself'],
      ['b', { topic: 'no topic' }, 400, 'legal topic name'],
      ['b', { topic: ['x'] }, 400, '"topic"'],
      ['b', { tpic: 'x' }, 400, 'tpic'],
      ['b', [], 400, 'JSON object'],
    ];
    for (const [name, body, status, message] of refusals) {
      expect(await replay(name, body)).toMatchObject({ status, body: { message: expect.stringContaining(message) } });
    }
    expect((await rest.stores.config.getConnector('b'))?.replayRequest).toBeNull();
    expect(await replay('s', { topic: 'mended' })).toMatchObject({ status: 202 });
  });
});

describe('a name that fits into no key', () => {
  const name = 'n'.repeat(2000);
  it.each([
    ['GET', `/connectors/${name}`, 404],
    ['GET', `/connectors/${name}/status`, 404],
    ['DELETE', `/connectors/${name}`, 404],
    ['PUT', `/connectors/${name}/pause`, 404],
    ['POST', `/connectors/${name}/restart`, 404],
    ['GET', `/connectors/${name}/topics`, 200],
    ['PUT', `/connectors/${name}/topics/reset`, 202],
  ])('%s %.20s… answers %i', async (method, path, status) => {
    expect((await rest.call(method, path)).status).toBe(status);
  });

  it('is refused when it is to be created', async () => {
    expect(await create(name)).toMatchObject({ status: 400, body: { message: expect.stringContaining('too long') } });
  });
});

describe('loggers', () => {
  const put = (name: string, level: string) => rest.call('PUT', `/admin/loggers/${name}`, { level });
  const reset = (name: string) => rest.call('DELETE', `/drover/loggers/${name}`);
  const levelOf = async (name: string) =>
    ((await rest.call('GET', `/admin/loggers/${name}`)).body as { level?: string }).level;

  it('are taken back by name with all under them, and have their level from above again', async () => {
    await put('root', 'ERROR');
    await put('drover.worker', 'DEBUG');
    await put('mine.a', 'TRACE');
    expect(await levelOf('drover.worker')).toBe('DEBUG');
    const taken = await reset('drover.worker');
    expect(taken.status).toBe(200);
    expect(taken.body).toContain('drover.worker');
    expect(await levelOf('drover.worker')).toBe('ERROR');
    expect(await reset('drover.worker')).toMatchObject({
      status: 404,
      body: { message: 'No level is set for logger drover.worker.' },
    });
    expect((await reset('root')).status).toBe(200);
    expect((await rest.call('GET', '/admin/loggers/mine.a')).status).toBe(404);
    expect((await rest.stores.cluster.loggerLevels()).length).toBe(0);
  });

  it('that are new are answered where their level is another than the one they had from above, as by Java', async () => {
    const changed = async (name: string, level: string) => (await put(name, level)).body;
    await put('root', 'INFO');
    expect(await changed('mine.same', 'INFO')).toEqual([]);
    expect((await rest.call('GET', '/admin/loggers/mine.same')).body).toEqual({ level: 'INFO', last_modified: null });
    expect(await changed('mine.other', 'DEBUG')).toEqual(['mine.other']);
    expect(await changed('mine.other', 'DEBUG')).toEqual([]);
    expect(await changed('mine.other.kid', 'DEBUG')).toEqual([]);
    expect(await changed('mine', 'INFO')).toEqual(['mine.other', 'mine.other.kid']);
    expect(await changed('mine', 'WARN')).toEqual(['mine', 'mine.other', 'mine.other.kid', 'mine.same']);
    expect(await changed('mine.late', 'WARN')).toEqual([]);
    await put('root', 'WARN');
    expect(await changed('yours', 'INFO')).toEqual(['yours']);
  });

  it('that are OFF are shown, and have not changed when they are set so again', async () => {
    expect((await put('mine', 'OFF')).body).toEqual(['mine']);
    expect((await put('mine', 'OFF')).body).toEqual([]);
    expect((await rest.call('GET', '/admin/loggers')).body).toMatchObject({ mine: { level: 'OFF' } });
  });

  it('are bounded in number and name', async () => {
    const modifiedAt = 0;
    const many = Array.from({ length: mostLoggers }, (_, n) => ({ logger: `x${n}`, level: 'INFO', modifiedAt }));
    await rest.stores.cluster.putLoggerLevels(many);
    expect(await put('one.more', 'DEBUG')).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining('DELETE /drover/loggers/{logger}') },
    });
    // Those that are there can still be changed, and taken back.
    expect((await put('x7', 'DEBUG')).status).toBe(200);
    expect((await reset('x')).status).toBe(200);
    expect((await put('one.more', 'DEBUG')).status).toBe(200);
    for (const name of ['a%0Ab', 'n'.repeat(256)]) expect((await put(name, 'DEBUG')).status).toBe(400);
  });
});

describe('a config of more stages than anybody needs', () => {
  const aliases = (count: number) => Array.from({ length: count }, (_, n) => `t${n}`).join(',');
  const validate = (config: object) =>
    rest.call('PUT', '/connector-plugins/FileStreamSource/config/validate', { ...source, name: 'a', ...config });

  it.each(['transforms', 'predicates', 'topic.creation.groups'])(
    '%s: is refused with 400 before it is described',
    async (key) => {
      for (const value of [aliases(201), aliases(125_000), 'x'.repeat(256)]) {
        const refusal = { status: 400, body: { message: expect.stringContaining(`The setting ${key} `) } };
        expect(await validate({ [key]: value })).toMatchObject(refusal);
        expect(await create('a', { ...source, [key]: value })).toMatchObject(refusal);
        expect(await rest.call('PUT', '/connectors/a/config', { ...source, [key]: value })).toMatchObject(refusal);
      }
    },
  );

  it('what is admitted fits into an answer', async () => {
    const config: Record<string, string> = {};
    for (const key of ['transforms', 'predicates', 'topic.creation.groups']) config[key] = aliases(200);
    for (const alias of aliases(200).split(',')) {
      config[`transforms.${alias}.type`] = 'org.apache.kafka.connect.transforms.TimestampConverter$Value';
      config[`predicates.${alias}.type`] = 'TopicNameMatches';
    }
    const { status, body } = await validate(config);
    expect(status).toBe(200);
    // What a function may answer.
    expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThan(6 * 1024 * 1024);
  });
});

it('tells when a task that waits for the tick is looked at next', async () => {
  await create('a');
  await actConnectorRun(rest, 'a', [{ state: 'RUNNING' }]);
  const { stores, clock } = rest;
  await stores.config.markTaskDue('a', 0, clock.now());
  const run = await stores.leases.acquireTask('a', 0, 'w', clock.now(), clock.now() + 60_000);
  if (!run.granted) throw new Error(run.reason);
  await stores.leases.release(run.lease, { state: 'RUNNING', trace: null, workerId: 'w', dueAt: everyTick });
  const { body } = await rest.call('GET', '/drover/connectors/a');
  const due = Date.parse((body as { tasks: { next_due_at: string }[] }).tasks[0]!.next_due_at);
  expect(due).toBe((Math.floor(clock.now() / 60_000) + 1) * 60_000);
});

describe('drover.runner', () => {
  const asking = { ...source, 'drover.runner': 'always' };

  it('is refused by its name where there is no runner, by validate too', async () => {
    expect(await create('a', asking)).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining('this installation has none: deploy it with `runner: {}`') },
    });
    const { body } = await rest.call('PUT', '/connector-plugins/FileStreamSource/config/validate', asking);
    const { configs } = body as { configs: { value: { name: string; errors: string[] } }[] };
    expect(configs.find(({ value }) => value.name === 'drover.runner')?.value.errors).toHaveLength(1);
    expect((await create('b', { ...source, 'drover.runner': 'never' })).status).toBe(201);
  });

  it('takes never and always, and nothing else', async () => {
    rest = createMemoryRest({ plugins: [], hasRunner: true });
    expect((await create('a', asking)).status).toBe(201);
    expect(await create('b', { ...source, 'drover.runner': 'sometimes' })).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining('drover.runner') },
    });
  });
});
