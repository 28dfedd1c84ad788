import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Step } from './progress.ts';
import { type ConnectorStatus, call, failureOf, status } from './rest-client.ts';

export interface DemoReport {
  readonly connectors: readonly ConnectorStatus[];
  readonly linesIn: number;
  readonly linesOut: number;
  /** From the source's POST until its first records are committed, in milliseconds. */
  readonly sourceMs: number;
  /** From the sink's POST until the first line is in its file, in milliseconds. */
  readonly sinkMs: number;
  readonly sourceFile: string;
  readonly sinkFile: string;
}

const names = { source: 'demo-source', sink: 'demo-sink' };
const topic = 'drover-demo';
const stringConverters = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
};
const giveUpMs = 120_000;

/**
 * A file goes through Kafka into another: created through the REST API, more lines appended while it runs, and the two
 * files compared. Run again on a stack that is up, it goes on with what is there.
 */
export async function runDemo(restUrl: string, folder: string, step: Step): Promise<DemoReport> {
  const sourceFile = join(folder, 'source.txt');
  const sinkFile = join(folder, 'sink.txt');
  const existing = await call<string[]>(restUrl, 'GET', '/connectors');
  const fresh = !existing.includes(names.source) && !existing.includes(names.sink);
  if (fresh) rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const before = linesOf(sourceFile);
  const write = (count: number) => appendFileSync(sourceFile, newLines(linesOf(sourceFile), count));

  write(1000);
  let sourceMs = 0;
  let sinkMs = 0;
  await step(
    fresh ? 'POST a FileStreamSource, until its topic is there' : 'PUT the FileStreamSource again',
    async () => {
      const postedAt = Date.now();
      await put(restUrl, fresh, names.source, {
        'connector.class': 'FileStreamSource',
        'tasks.max': '1',
        file: sourceFile,
        topic,
        ...stringConverters,
      });
      await waitForTopic(restUrl);
      sourceMs = Date.now() - postedAt;
    },
  );
  await step(fresh ? 'POST a FileStreamSink, until its file has a line' : 'PUT the FileStreamSink again', async () => {
    const postedAt = Date.now();
    await put(restUrl, fresh, names.sink, {
      'connector.class': 'FileStreamSink',
      'tasks.max': '1',
      file: sinkFile,
      topics: topic,
      ...stringConverters,
    });
    await waitForLines(restUrl, sinkFile, before + 1);
    sinkMs = Date.now() - postedAt;
  });
  await step('Append while it runs, until every line has come out', async () => {
    for (let count = 1; count <= 5; count++) {
      write(1000);
      await waitForLines(restUrl, sinkFile, before + 1000 * count);
    }
    await waitForLines(restUrl, sinkFile, linesOf(sourceFile));
  });
  if (!readFileSync(sourceFile).equals(readFileSync(sinkFile))) {
    throw new Error(`The demo's files differ: compare ${sourceFile} with ${sinkFile}`);
  }
  const connectors = await Promise.all(Object.values(names).map((name) => status(restUrl, name)));
  return {
    connectors,
    linesIn: linesOf(sourceFile),
    linesOut: linesOf(sinkFile),
    sourceMs,
    sinkMs,
    sourceFile,
    sinkFile,
  };
}

async function put(restUrl: string, fresh: boolean, name: string, config: Record<string, string>): Promise<void> {
  if (fresh) {
    await call(restUrl, 'POST', '/connectors', { name, config });
    return;
  }
  await call(restUrl, 'PUT', `/connectors/${name}/config`, config);
  // Idle by now, it would look again within the minute; a restart looks at once.
  await call(restUrl, 'POST', `/connectors/${name}/restart?includeTasks=true`);
}

/** Resolves once the source has written to its topic. */
async function waitForTopic(restUrl: string): Promise<void> {
  const giveUpAt = Date.now() + giveUpMs;
  for (;;) {
    const answer = await call<Record<string, { topics: string[] }>>(
      restUrl,
      'GET',
      `/connectors/${names.source}/topics`,
    );
    if (answer[names.source]?.topics.includes(topic)) return;
    const failure = failureOf(await status(restUrl, names.source));
    if (failure !== null) throw new Error(failure);
    if (Date.now() > giveUpAt) throw new Error(`${names.source} has written nothing after ${giveUpMs / 1000} s`);
    await sleep(200);
  }
}

/** Resolves once the file has that many lines; rejects with the trace when a connector has failed meanwhile. */
async function waitForLines(restUrl: string, file: string, count: number): Promise<void> {
  const giveUp = AbortSignal.timeout(giveUpMs);
  while (linesOf(file) < count) {
    await Promise.race([changed(file, giveUp), sleep(1000, undefined, { signal: giveUp })]).catch(() => {
      throw new Error(`${file} has ${linesOf(file)} lines after ${giveUpMs / 1000} s, ${count} were expected`);
    });
    if (linesOf(file) >= count) return;
    for (const name of Object.values(names)) {
      const failure = failureOf(await status(restUrl, name));
      if (failure !== null) throw new Error(failure);
    }
  }
}

/** The next change of the file; a change between the last look and this one is met by the caller's second look. */
function changed(file: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const watcher = watch(dirname(file), { signal }, (_event, name) => {
      if (name !== basename(file)) return;
      watcher.close();
      resolve();
    });
    watcher.once('error', reject);
  });
}

function linesOf(file: string): number {
  if (!existsSync(file)) return 0;
  const bytes = readFileSync(file);
  let lines = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) lines++;
  return lines;
}

function newLines(from: number, count: number): string {
  return Array.from({ length: count }, (_, index) => `line ${from + index + 1} of the demo\n`).join('');
}
