import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { listOf, ofConnector, recordOf, setState, theConnector } from '../connect-api.ts';
import { CliError, messageOf, usageError } from '../faults.ts';
import { isRecord, type Json, parseJson } from '../json.ts';
import { connectorWord, parseTarget } from '../resources.ts';
import { segment } from '../rest.ts';
import { type CommandContext, run, type Session } from '../session.ts';
import { awaitGone } from '../wait.ts';
import { getOffsets, offsetText, partitionText } from './get.ts';

interface ChangeOptions {
  readonly stop?: boolean;
}

interface SetOptions extends ChangeOptions {
  readonly filename?: string;
}

/** What a connector's offsets are changed to. */
interface OffsetEntry {
  readonly partition: Json;
  readonly offset: Json;
}

export function addOffsets(program: Command, context: CommandContext): void {
  const offsets = program
    .command('offsets')
    .summary('show, set, reset, undo a connector’s offsets')
    .description(
      'Offsets change while a connector is STOPPED. With --stop it is stopped for the change, and resumed if it was running or paused.',
    );
  offsets
    .command('show', { isDefault: true })
    .aliases(['get', 'list', 'describe'])
    .summary('where a connector is')
    .argument('<name...>')
    .action(
      run(context, async (session, _options, args: string[]) =>
        getOffsets(session, parseTarget(args, ['connectors'], 'offsets').names),
      ),
    );
  withStop(offsets.command('set').aliases(['alter', 'patch']))
    .summary('change some offsets')
    .description(
      'Of a sink: TOPIC:PARTITION=OFFSET. Of a source: the partition and the offset as JSON, as offsets show prints them. Several at ' +
        'once, and what offsets show -o json has printed: -f FILE. What is not named stays; a null offset removes one.',
    )
    .argument('<name>')
    .argument('[offset...]', 'orders:0=42, or \'{"filename":"/a"}\' \'{"position":7}\'')
    .option('-f, --filename <path>', 'JSON {"offsets":[{"partition":…,"offset":…}]}; - for the standard input')
    .action(
      run(context, async (session, options: SetOptions, name: string, texts: string[]) => {
        const entries = await readEntries(session, options, texts);
        await change(session, name, options, { method: 'PATCH', path: offsetsOf(name), body: { offsets: entries } });
      }),
    );
  const verbs = {
    reset: {
      aliases: ['delete', 'forget'],
      summary: 'forget all offsets: it begins anew',
      description: '',
      asks: (name: string) => ({ method: 'DELETE', path: offsetsOf(name) }),
    },
    undo: {
      aliases: ['rollback', 'restore'],
      summary: 'take back the last change by hand',
      description:
        'Sets what the last change has changed to what it was before. That is a change as well: a second undo takes the first one ' +
        'back. drover offsets history NAME shows them, and drover offsets set sets any.',
      asks: (name: string) => ({ method: 'POST', path: `/drover${offsetsOf(name)}/undo` }),
    },
  };
  for (const [verb, { aliases, summary, description, asks }] of Object.entries(verbs)) {
    withStop(offsets.command(verb).aliases(aliases))
      .summary(summary)
      .description(description)
      .argument('<name>')
      .action(
        run(context, (session, options: ChangeOptions, name: string) => change(session, name, options, asks(name))),
      );
  }
  offsets
    .command('history')
    .summary('changes by hand, the newest first')
    .argument('<name>')
    .action(run(context, history));
}

const offsetsOf = (name: string) => `/connectors/${segment(name)}/offsets`;

const withStop = (command: Command) => command.option('--stop', 'stop the connector for the change');

async function readEntries(
  session: Session,
  { filename }: SetOptions,
  texts: readonly string[],
): Promise<readonly OffsetEntry[]> {
  if (filename === undefined) return parseEntries(texts);
  if (texts.length > 0) throw usageError('Offsets and -f say two things: keep one of them');
  let text: string;
  try {
    text = filename === '-' ? await session.io.readStdin() : readFileSync(resolve(session.io.cwd, filename), 'utf8');
  } catch (error) {
    throw usageError(`${filename} cannot be read: ${messageOf(error)}`);
  }
  const found = json(text, filename);
  const list = isRecord(found) ? found.offsets : found;
  if (!Array.isArray(list)) throw usageError(`${filename}: it must be {"offsets": [{"partition": …, "offset": …}]}`);
  return (list as readonly Json[]).map((entry, index) => {
    if (!isRecord(entry) || !isRecord(entry.partition))
      throw usageError(`${filename}: offsets[${index}] needs "partition" and "offset"`);
    return { partition: entry.partition, offset: entry.offset ?? null };
  });
}

/** `orders:0=42` for each partition of a sink; pairs of JSON for those of a source. */
function parseEntries(texts: readonly string[]): readonly OffsetEntry[] {
  if (texts.length === 0) throw usageError('Which offsets? orders:0=42, a partition and an offset as JSON, or -f FILE');
  if (!texts[0]!.trimStart().startsWith('{')) return texts.map(sinkEntry);
  if (texts.length % 2 !== 0)
    throw usageError(`After the partition ${texts.at(-1)} its offset is missing; null removes it`);
  return Array.from({ length: texts.length / 2 }, (_, index) => ({
    partition: json(texts[2 * index]!, 'the partition'),
    offset: json(texts[2 * index + 1]!, 'the offset'),
  }));
}

function sinkEntry(text: string): OffsetEntry {
  const match = /^(.+):(\d+)=(\d+|null)$/s.exec(text);
  if (match === null)
    throw usageError(`"${text}" is no offset of a sink: it must be TOPIC:PARTITION=OFFSET, or =null to remove it`);
  const [, topic, partition, offset] = match as unknown as [string, string, string, string];
  return {
    partition: { kafka_topic: topic, kafka_partition: Number(partition) },
    offset: offset === 'null' ? null : { kafka_offset: BigInt(offset) },
  };
}

function json(text: string, what: string): Json {
  try {
    return parseJson(text);
  } catch (error) {
    throw usageError(`${what} is no JSON: ${messageOf(error)}`);
  }
}

/** Stopped for the change and brought back, whatever came of it, when that was asked for. */
async function change(
  session: Session,
  name: string,
  { stop }: ChangeOptions,
  { method, path, body }: { readonly method: string; readonly path: string; readonly body?: object },
): Promise<void> {
  const rest = await session.rest();
  const before = (await theConnector(rest, name)).status.state;
  const stopping = stop === true && before !== 'STOPPED';
  if (stopping) {
    await setState(rest, name, 'stop');
    await awaitGone(session, rest, name, 120);
  } else if (before !== 'STOPPED') {
    throw new CliError(
      `connector/${name} is ${before}: offsets change while it is STOPPED. drover stop ${connectorWord(name)}, or --stop`,
    );
  }
  try {
    const { body: answer } = await rest.call(method, path, body);
    const message = isRecord(answer) && typeof answer.message === 'string' ? answer.message : 'done';
    if (!session.value({ name, message })) session.io.out(`${message}\n`);
  } finally {
    if (stopping) {
      await setState(rest, name, before === 'PAUSED' ? 'pause' : 'resume');
      if (!session.isStructured)
        session.note(`connector/${name} ${before === 'PAUSED' ? 'is paused again' : 'goes on'}`);
    }
  }
}

async function history(session: Session, _options: object, name: string): Promise<void> {
  const rest = await session.rest();
  const asked = rest.get(`/drover${offsetsOf(name)}/history`);
  const answer = recordOf(await ofConnector(rest, name, asked), 'the history');
  const changes = listOf(answer.changes, 'the history').map((entry) => {
    const { changed_at: at, before, after } = recordOf(entry, 'a change');
    return { at: String(at), before: listOf(before, 'a change'), after: listOf(after, 'a change') };
  });
  const rows = changes.flatMap(({ at, before, after }) => {
    const was = textsOf(before);
    const is = textsOf(after);
    // What was reset is not among those that are there after it.
    return [...new Set([...was.keys(), ...is.keys()])].map((partition) => ({
      at,
      partition,
      before: was.get(partition) ?? offsetText(null),
      after: is.get(partition) ?? offsetText(null),
    }));
  });
  session.list(
    rows,
    [
      { title: 'CHANGED AT', cell: ({ at }) => at },
      { title: 'PARTITION', cell: ({ partition }) => partition },
      { title: 'BEFORE', cell: ({ before }) => before },
      { title: 'AFTER', cell: ({ after }) => after },
    ],
    { values: answer, name: ({ at }) => at, nothing: `Nobody has changed the offsets of ${name}` },
  );
}

/** Offsets by the texts of their partitions. */
function textsOf(offsets: readonly Json[]): Map<string, string> {
  return new Map(
    offsets.map((entry) => {
      const { partition = null, offset = null } = recordOf(entry, 'an offset');
      return [partitionText(partition), offsetText(offset)];
    }),
  );
}
