import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { cacheFolder } from '../../../local/folders.ts';
import type { Settings } from '../../../src/config/config-def.ts';
import type { ConnectorType } from '../../../src/storage/items.ts';
import { debianFiles } from '../../support/debian-packages.ts';
import type { Arm } from './arms.ts';

const run = promisify(execFile);
const folderOf = (peer: string) => join(import.meta.dirname, 'peers', peer);

/** What can be built here of the peers, and of the others why not. */
export async function peerArms(kafka: string, records: number): Promise<{ arms: Arm[]; missing: string[] }> {
  const arms: Arm[] = [];
  const missing: string[] = [];
  for (const [label, build, args] of [
    ['librdkafka (C)', buildLibrdkafka, []],
    ['Benthos (Go)', buildBenthos, []],
    ['Benthos (Go), at best', buildBenthos, ['at-best']],
  ] as const) {
    try {
      arms.push(peerArm(label, [await build(), ...args], kafka, records));
    } catch (error) {
      missing.push(`${label}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
    }
  }
  return { arms, missing };
}

/** By the distribution's packages, fetched without being installed, and its compiler. */
async function buildLibrdkafka(): Promise<string> {
  const root = await debianFiles('librdkafka', ['librdkafka1', 'librdkafka-dev', 'libsasl2-2', 'liblz4-1']);
  const libraries = join(root, 'usr', 'lib');
  const ofMachine = readdirSync(libraries).find((name) => name.includes('-linux-'));
  if (ofMachine === undefined) throw new Error(`no library in ${libraries}`);
  const found = join(libraries, ofMachine);
  return built('librdkafka', [join(folderOf('librdkafka'), 'race.c')], (to) =>
    run('cc', [
      '-O2',
      `-I${join(root, 'usr', 'include')}`,
      join(folderOf('librdkafka'), 'race.c'),
      `-L${found}`,
      `-Wl,-rpath,${found}`,
      '-lrdkafka',
      '-o',
      to,
    ]),
  );
}

const buildBenthos = () =>
  built(
    'benthos',
    ['main.go', 'go.sum'].map((name) => join(folderOf('benthos'), name)),
    (to) => run('go', ['build', '-o', to, '.'], { cwd: folderOf('benthos') }),
  );

/** Built once for these sources. */
async function built(
  peer: string,
  sources: readonly string[],
  build: (to: string) => Promise<unknown>,
): Promise<string> {
  const digest = createHash('sha256');
  for (const source of sources) digest.update(readFileSync(source));
  const program = join(cacheFolder, `race-${peer}-${digest.digest('hex').slice(0, 10)}`);
  if (existsSync(program)) return program;
  mkdirSync(cacheFolder, { recursive: true });
  const unfinished = `${program}-${process.pid}`;
  await build(unfinished);
  renameSync(unfinished, program);
  return program;
}

/** A process that takes one command a line, and answers each when it is done. */
function peerArm(label: string, [program = '', ...args]: readonly string[], kafka: string, records: number): Arm {
  const child: ChildProcess = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<never>((_, reject) => {
    child.once('exit', (code) => reject(new Error(`${label} ended with code ${code}`)));
  });
  // Nobody asks while it does nothing.
  ended.catch(() => {});
  const answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const ask = async (command: string) => {
    child.stdin!.write(`${command}\n`);
    const answer = await Promise.race([answers.next(), ended]);
    if (answer.value !== 'done') throw new Error(`${label}: ${answer.value}`);
  };
  const commandOf = (type: ConnectorType, { file, topic, topics }: Settings) =>
    type === 'source' ? `source ${kafka} ${file} ${topic} ${records}` : `sink ${kafka} ${topics} ${file} ${records}`;
  return {
    label,
    side: 'peer',
    pids: [child.pid!],
    prepare: async () => {},
    async go(names, type, configOf) {
      for (const name of names) await ask(commandOf(type, configOf(name)));
    },
    clear: async () => {},
    async stop() {
      const exit = new Promise((resolve) => child.once('exit', resolve));
      child.stdin!.end();
      await exit;
    },
  };
}
