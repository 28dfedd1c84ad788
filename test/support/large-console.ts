import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Run } from '../../cli/answers.ts';
import { createConsole } from '../../cli/console/server.ts';
import { fakeInstallation } from './fake-installation.ts';

export interface LargeConsole {
  readonly url: string;
  [Symbol.asyncDispose](): Promise<void>;
}

const classes = ['FileStreamSource', 'FileStreamSink', 'com.example.OrdersSource', 'com.example.WarehouseSink'];
const nameOf = (index: number) => `connector-${String(index).padStart(4, '0')}`;
const isSink = (index: number) => index % 2 === 1;
const stateOf = (index: number) => (index % 97 === 5 ? 'FAILED' : index % 31 === 7 ? 'PAUSED' : 'RUNNING');

/** The console over an API that has so many connectors, whose tasks have run so often within the hour before now. */
export async function startLargeConsole(connectors: number, runs: number): Promise<LargeConsole> {
  const now = Date.now();
  const indexes = Array.from({ length: connectors }, (_, index) => index);
  const details = (index: number) => {
    const state = stateOf(index);
    const trace = state === 'FAILED' ? { trace: 'ConnectException: it is away\n\tat somewhere' } : {};
    const topic = `topic-${String(index >> 1).padStart(4, '0')}`;
    const config = {
      'connector.class': classes[index % classes.length]!,
      ...(isSink(index) ? { topics: topic } : { topic }),
      ...(isSink(index) ? { 'errors.tolerance': 'all', 'errors.deadletterqueue.topic.name': 'dead' } : {}),
    };
    const type = isSink(index) ? 'sink' : 'source';
    return {
      info: { name: nameOf(index), config, tasks: [{ connector: nameOf(index), task: 0 }], type },
      status: {
        name: nameOf(index),
        connector: { state: state === 'FAILED' ? 'RUNNING' : state, worker_id: 'w' },
        tasks: [{ id: 0, state, worker_id: 'w', ...trace }],
        type,
      },
    };
  };
  const report = (index: number) => ({
    name: nameOf(index),
    settled: true,
    replay: null,
    tasks: [
      {
        id: 0,
        state: stateOf(index),
        running: index % 10 === 0,
        last_run_at: new Date(now - (index % 60) * 60_000).toISOString(),
        next_due_at: null,
        watched: true,
        runs: index,
        empty_runs: index % 5 === 0 ? index : 0,
        records: index * 1000 + Math.floor((Date.now() - now) / 10) * (index % 7),
        bytes: index * 70_000,
        consecutive_failures: 0,
        lag: { records: isSink(index) ? (index % 13) * 100 : null, seconds: null },
      },
    ],
  });
  const offsets = {
    offsets: [{ partition: { kafka_topic: 'topic', kafka_partition: 0 }, offset: { kafka_offset: 42 } }],
  };
  const setting = {
    definition: {
      name: 'file',
      type: 'STRING',
      required: true,
      default_value: null,
      importance: 'HIGH',
      documentation: 'Path of the file.',
      group: null,
      order_in_group: 1,
      display_name: 'file',
    },
    value: { name: 'file', value: null, recommended_values: [], errors: ['It is missing'], visible: true },
  };
  const undeclared = {
    definition: null,
    value: {
      name: 'drover.shedule',
      value: 'x',
      recommended_values: [],
      errors: ['There is no setting drover.shedule'],
      visible: true,
    },
  };
  const installation = fakeInstallation(({ url }) => {
    const path = url.pathname.slice('/prod'.length);
    if (path === '/connectors') return Object.fromEntries(indexes.map((index) => [nameOf(index), details(index)]));
    if (path === '/drover/connectors') return { connectors: indexes.map(report) };
    if (path === '/connector-plugins')
      return classes.map((name, index) => ({ class: name, type: isSink(index) ? 'sink' : 'source', version: '1' }));
    if (path.endsWith('/validate')) return { error_count: 2, groups: [], configs: [setting, undeclared] };
    const [, name = ''] = /^(?:\/drover)?\/connectors\/([^/]+)/.exec(path) ?? [];
    const index = Number(name.slice('connector-'.length));
    if (!(index < connectors)) return undefined;
    if (path.startsWith('/drover')) return path.endsWith('/history') ? { changes: [] } : report(index);
    if (path.endsWith('/status')) return details(index).status;
    if (path.endsWith('/topics')) return { [name]: { topics: [`topic-${String(index >> 1).padStart(4, '0')}`] } };
    return path.endsWith('/offsets') ? offsets : details(index).info;
  });
  const told = Array.from({ length: runs }, (_, index): Run => {
    const endedAt = now - 3_500_000 + Math.floor((index * 3_480_000) / runs);
    const died = index % 501 === 0;
    const failed = index % 211 === 0;
    const connector = nameOf((index * 7) % Math.min(connectors, 200));
    const durationMs = 200 + ((index * 37) % 9000);
    return {
      startedAt: new Date(endedAt - durationMs).toISOString(),
      endedAt: new Date(endedAt).toISOString(),
      connector,
      task: `${connector}/0`,
      result: died ? 'died' : failed ? 'failed' : 'ended',
      durationMs: died ? null : durationMs,
      records: died ? null : (index * 13) % 5000,
      bytes: died ? null : (index * 700) % 90_000,
      commits: died ? null : 1,
      emptyRuns: died ? null : index % 5,
      cost: died ? null : 2e-5,
      error: died ? 'the last run ended without a word' : failed ? 'ConnectException: it is away' : null,
    };
  });
  const letter = {
    topic: 'dead',
    partition: 0,
    offset: 7,
    timestamp: new Date(now).toISOString(),
    context: { topic: 'topic', partition: '0', offset: '41', stage: 'VALUE_CONVERTER', 'exception.message': 'no JSON' },
    headers: { kind: 'order' },
    key: null,
    value: 'no JSON',
  };
  const server = createConsole({
    installation,
    letters: async () => [letter],
    runs: { look: async (_since, after) => ({ cursor: `1.${runs}`, cut: false, runs: after === null ? told : [] }) },
    now: Date.now,
    version: '1',
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
