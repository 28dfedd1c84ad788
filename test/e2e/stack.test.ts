import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LambdaClient, ListEventSourceMappingsCommand, UpdateEventSourceMappingCommand } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runDemo } from '../../local/demo.ts';
import { functionLog } from '../../local/function-logs.ts';
import { silentStep } from '../../local/progress.ts';
import { type ConnectorStatus, call, status } from '../../local/rest-client.ts';
import { isRunning, signalService } from '../../local/service.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { type DeployedStack, deployStack } from '../support/deployed-stack.ts';
import { until } from '../support/until.ts';

let stack: DeployedStack;
const limits = { runSeconds: '10', idleCeilingMs: '5000' };
const longest = 300_000;

beforeAll(async () => {
  stack = await deployStack(limits);
});

afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
});

const strings = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
};

const lines = (file: string): string[] => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []);

const numbered = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `line ${from + index} ${'.'.repeat((from + index) % 40)}`);

interface Copy {
  readonly source: string;
  readonly sink: string;
  readonly from: string;
  readonly to: string;
  append(added: readonly string[]): void;
}

/** A file that is copied through a topic of its own into another. */
async function copyFile(
  name: string,
  first: readonly string[],
  sourceConfig: Record<string, string> = {},
): Promise<Copy> {
  const from = join(stack.folder, `${name}.in`);
  const to = join(stack.folder, `${name}.out`);
  const append = (added: readonly string[]) => appendFileSync(from, added.map((line) => `${line}\n`).join(''));
  writeFileSync(from, '');
  append(first);
  const [source, sink] = [`${name}-source`, `${name}-sink`];
  const shared = { 'tasks.max': '1', ...strings };
  const create = (connector: string, config: Record<string, string>) =>
    call(stack.restUrl, 'POST', '/connectors', { name: connector, config: { ...shared, ...config } });
  await create(source, { 'connector.class': 'FileStreamSource', file: from, topic: name, ...sourceConfig });
  await create(sink, { 'connector.class': 'FileStreamSink', file: to, topics: name });
  return { source, sink, from, to, append };
}

const states = (connector: ConnectorStatus): string[] =>
  [connector.connector, ...connector.tasks].map(({ state }) => state);

function everythingArrived(copy: Copy): Promise<unknown> {
  const wanted = lines(copy.from);
  return until(
    `${wanted.length} lines in ${copy.to}`,
    () => {
      const seen = lines(copy.to);
      return seen.length >= wanted.length && new Set(seen).size >= new Set(wanted).size;
    },
    { withinMs: longest },
  );
}

test('the demo of npm start: file to Kafka to file through API Gateway, and every line comes out once', async () => {
  const report = await runDemo(stack.restUrl, join(stack.folder, 'demo'), silentStep);
  expect(report.linesOut).toBe(report.linesIn);
  expect(report.connectors.flatMap(states)).toEqual(['RUNNING', 'RUNNING', 'RUNNING', 'RUNNING']);
});

test('the mirror topics are there as Apache creates them, and filled', async () => {
  const kafka = createKafkaClient({ bootstrapServers: stack.bootstrapServers });
  try {
    const { configs, offsets, status: statuses } = stack.mirrorTopics;
    const described = await kafka.admin.describeTopics([configs, offsets, statuses]);
    expect(Object.fromEntries(described.map(({ topic, partitions }) => [topic, partitions]))).toEqual({
      [configs]: 1,
      [offsets]: 25,
      [statuses]: 5,
    });
    for (const topic of [configs, offsets, statuses]) {
      const partitions = described.find((one) => one.topic === topic)?.partitions ?? 0;
      const all = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
      await until(`records in ${topic}`, async () => {
        const ends = (await kafka.admin.endOffsets(all)).get(topic) ?? new Map<number, bigint>();
        return [...ends.values()].some((end) => end > 0n);
      });
    }
  } finally {
    await kafka.close();
  }
});

test('I6: a sink says in its status that it runs, and its group shows the same offsets as the API', {
  timeout: longest,
}, async () => {
  const kafka = createKafkaClient({ bootstrapServers: stack.bootstrapServers });
  const inApi = async () => {
    const { offsets } = await call<{ offsets: { offset: { kafka_offset: number } }[] }>(
      stack.restUrl,
      'GET',
      '/connectors/demo-sink/offsets',
    );
    return offsets[0]?.offset.kafka_offset;
  };
  const inGroup = async () => {
    const offset = (await kafka.admin.groupOffsets('connect-demo-sink')).get('drover-demo')?.get(0);
    return offset === undefined ? undefined : Number(offset);
  };
  try {
    // The lines are in the file before their positions are committed, to the table first and then to the group.
    const end = (await kafka.admin.endOffsets([{ topic: 'drover-demo', partition: 0 }])).get('drover-demo')?.get(0);
    const both = async () => ({ api: await inApi(), group: await inGroup() });
    await expect.poll(both, { timeout: longest }).toEqual({ api: Number(end), group: Number(end) });
  } finally {
    await kafka.close();
  }
});

/** Does `work` while the coordinator is not told of changes of the table. */
async function withoutStream(work: () => Promise<void>): Promise<void> {
  const lambda = new LambdaClient(stack.aws);
  const setStream = async (enabled: boolean) => {
    const FunctionName = stack.functions.coordinator;
    const { EventSourceMappings = [] } = await lambda.send(new ListEventSourceMappingsCommand({ FunctionName }));
    // The other one is the queue by which objects of the playground's bucket ring.
    const streams = EventSourceMappings.filter(({ EventSourceArn }) => EventSourceArn?.includes('/stream/'));
    expect(streams).toHaveLength(1);
    const { UUID } = streams[0]!;
    await lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: enabled }));
  };
  await setStream(false);
  try {
    await work();
  } finally {
    await setStream(true);
    lambda.destroy();
  }
}

test('the wake-up of the coordinator is lost: the tick does it', { timeout: longest }, () =>
  withoutStream(async () => {
    const copy = await copyFile('lost-wake-up', numbered(0, 100));
    await everythingArrived(copy);
    expect(lines(copy.to)).toEqual(lines(copy.from));
  }),
);

test('L4: the coordinator is killed while it ticks: another one is asked for in its place', {
  timeout: longest,
}, async () => {
  const copy = await copyFile('ticked', numbered(0, 100), { 'drover.idle.ceiling.ms': '1500' });
  await everythingArrived(copy);
  await withoutStream(async () => {
    const since = Date.now();
    const isTold = async () =>
      (await functionLog(stack, 'coordinator', since)).some(({ message }) => message.includes('has failed at its'));
    let killedAt = since;
    await until(
      'one has died at its tick',
      async () => {
        for (const pid of stack.environmentsOf(stack.functions.coordinator)) process.kill(pid, 'SIGKILL');
        killedAt = Date.now();
        // A kill that met none at its tick is told by nobody.
        await until('it is told', isTold, { withinMs: 2000 });
        return true;
      },
      { withinMs: longest },
    );
    copy.append(numbered(100, 100));
    await everythingArrived(copy);
    console.log(`all there ${Date.now() - killedAt} ms after the coordinator was killed`);
  });
  expect(new Set(lines(copy.to))).toEqual(new Set(lines(copy.from)));
});

test('the broker is stopped for a while and started again: the tasks resume', { timeout: longest }, async () => {
  const copy = await copyFile('outage', numbered(0, 100));
  await everythingArrived(copy);
  await stack.stopBroker();
  copy.append(numbered(100, 100));
  // Long enough for a run to have met the outage: the source has noted that it failed.
  await until(
    'a failed run in the report',
    async () => {
      const report = await call<{ tasks: { consecutive_failures: number }[] }>(
        stack.restUrl,
        'GET',
        `/drover/connectors/${copy.source}`,
      );
      return (report.tasks[0]?.consecutive_failures ?? 0) > 0;
    },
    { withinMs: longest },
  );
  await stack.startBroker();
  const backAt = performance.now();
  await everythingArrived(copy);
  console.log(`resumed ${Math.round(performance.now() - backAt)} ms after the broker was back`);
  expect(new Set(lines(copy.to))).toEqual(new Set(lines(copy.from)));
  for (const name of [copy.source, copy.sink]) {
    await until(`${name} runs again`, async () =>
      states(await status(stack.restUrl, name)).every((s) => s === 'RUNNING'),
    );
  }
});

test('I3, I5, L1: every process of the task function is killed in mid-run: the next run loses nothing', {
  timeout: longest,
}, async () => {
  // So many polls that the run is still under way when its first commit is seen.
  const copy = await copyFile('killed', numbered(0, 200_000), { 'batch.size': '20', 'drover.commit.interval.ms': '0' });
  const committed = async () => {
    const { offsets } = await call<{ offsets: { offset: { position: number } }[] }>(
      stack.restUrl,
      'GET',
      `/connectors/${copy.source}/offsets`,
    );
    return offsets[0]?.offset.position ?? 0;
  };
  await until('a first commit', async () => (await committed()) > 0, { everyMs: 10 });
  const killed = stack.environmentsOf(stack.functions.task);
  expect(killed).not.toEqual([]);
  for (const pid of killed) process.kill(pid, 'SIGKILL');
  const killedAt = Date.now();
  expect(await committed()).toBeLessThan(statSync(copy.from).size);
  copy.append(numbered(200_000, 1000));
  await everythingArrived(copy);
  const seen = new Set(lines(copy.to));
  expect(lines(copy.from).filter((line) => !seen.has(line))).toEqual([]);
  // Noted by who took over, long before the test's time is over.
  const { tasks } = await call<{ tasks: { deaths: { last_at: string | null } }[] }>(
    stack.restUrl,
    'GET',
    `/drover/connectors/${copy.source}`,
  );
  expect(Date.parse(tasks[0]!.deaths.last_at!)).toBeLessThan(killedAt + 60_000);
});

test.each<[string, string, string, unknown, number, RegExp]>([
  ['an unknown path', 'GET', '/nothing', undefined, 404, /404 Not Found/],
  ['an unknown connector', 'GET', '/connectors/nobody', undefined, 404, /nobody not found/],
  [
    'an unknown class',
    'POST',
    '/connectors',
    { name: 'bad', config: { 'connector.class': 'com.example.Nothing' } },
    400,
    /com\.example\.Nothing/,
  ],
])('bad input is answered with what is wrong: %s', async (_what, method, path, body, expected, message) => {
  const answer = await fetch(stack.restUrl + path, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  expect({ status: answer.status, text }).toMatchObject({ status: expected });
  expect(JSON.parse(text)).toMatchObject({ error_code: expected, message: expect.stringMatching(message) });
});

test('a source without a file, which would be stdin, fails with a trace that names the setting', async () => {
  const config = { 'connector.class': 'FileStreamSource', topic: 'stdin' };
  await call(stack.restUrl, 'POST', '/connectors', { name: 'stdin', config });
  const failed = await until('a failed task', async () => {
    const { tasks } = await status(stack.restUrl, 'stdin');
    return tasks.find(({ state }) => state === 'FAILED');
  });
  expect(failed.trace).toMatch(/'file' is missing/);
});

test('OPTIONS tells the methods of a path, as with Java', async () => {
  const answer = await fetch(`${stack.restUrl}/connectors/any?x=y`, { method: 'OPTIONS' });
  expect([answer.status, answer.headers.get('allow')]).toEqual([200, 'GET,DELETE,HEAD,OPTIONS']);
  expect((await fetch(`${stack.restUrl}/nothing`, { method: 'OPTIONS' })).status).toBe(404);
});

test('a body that is no JSON is refused', async () => {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${stack.restUrl}/connectors`, { method: 'POST', headers, body: '{' });
  expect(answer.status).toBe(400);
});

test('a deleted connector is gone, with its tasks', async () => {
  await call(stack.restUrl, 'DELETE', '/connectors/demo-source');
  await expect(status(stack.restUrl, 'demo-source')).rejects.toMatchObject({ status: 404 });
  expect(await call<string[]>(stack.restUrl, 'GET', '/connectors')).not.toContain('demo-source');
});

test('what has ended beside the emulator is started again by the next start, which keeps what the stack holds', {
  timeout: longest,
}, async () => {
  const copy = await copyFile('started-again', numbered(0, 100));
  await everythingArrived(copy);
  await stack.stopBroker();
  const address = stack.services.find(({ name }) => name === 'REST address')!;
  signalService(address, 'SIGKILL');
  await until('the REST address to be gone', () => !isRunning(address), { everyMs: 10 });
  const again = await stack.startAgain();
  expect(again.services.map(({ name }) => name).sort()).toEqual(stack.services.map(({ name }) => name).sort());
  expect(again.services.every(isRunning)).toBe(true);
  expect(await call(stack.restUrl, 'GET', '/connectors')).toEqual(expect.arrayContaining([copy.source, copy.sink]));
  copy.append(numbered(100, 100));
  await everythingArrived(copy);
  expect(new Set(lines(copy.to))).toEqual(new Set(lines(copy.from)));
});
