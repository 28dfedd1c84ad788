import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { DeadLetter } from '../answers.ts';
import { deadLetterTopicKey, ofConnector, recordOf, theConnector } from '../connect-api.ts';
import { CliError, usageError } from '../faults.ts';
import { isRecord, type Json, type JsonRecord } from '../json.ts';
import { areOrIs, counted, oneLine, wereOrWas } from '../output.ts';
import { connectorWord } from '../resources.ts';
import { segment } from '../rest.ts';
import { type CommandContext, run, type Session } from '../session.ts';
import { pollUntil, type WaitOptions, withWait } from '../wait.ts';
import { gist } from './get.ts';

interface ShowOptions {
  readonly limit: number;
  readonly bootstrapServers?: string;
  readonly commandConfig?: string;
}

export function addDeadLetters(program: Command, context: CommandContext): void {
  const letters = program.command('dead-letters').alias('dlq').summary('look at dead letters, and put them back');
  letters
    .command('show', { isDefault: true })
    .aliases(['look', 'get', 'list'])
    .summary('the newest dead letters of a connector, with what was wrong')
    .description(
      'Reads the topic from this machine, with your own rights: the brokers must be within reach. Of a local stack they are known. ' +
        'Headers, keys and values are shown with -o json.',
    )
    .argument('<name>')
    .option('-n, --limit <number>', 'how many', countOf, 10)
    .option('--bootstrap-servers <addresses>', 'host:port,… of the brokers')
    .option(
      '--command-config <file>',
      'client properties, as Kafka’s own tools take them (security.protocol, sasl.*, ssl.*)',
    )
    .action(run(context, show));
  withWait(letters.command('replay').alias('retry'), 'until all are put back')
    .summary('put the dead letters back where they came from')
    .argument('<name>')
    .option('--topic <topic>', 'where those go that do not say where they came from; of a source: where all go')
    .action(run(context, replay));
}

function countOf(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 10_000)
    throw usageError(`--limit is "${text}": it must be a number from 1 to 10000`);
  return count;
}

async function topicOf(session: Session, name: string): Promise<string> {
  const { config, type } = await theConnector(await session.rest(), name);
  const key = deadLetterTopicKey(type);
  const topic = config[key] ?? '';
  if (topic === '') throw new CliError(`connector/${name} has no dead letter queue: ${key} is not set`);
  return topic;
}

async function show(session: Session, options: ShowOptions, name: string): Promise<void> {
  const topic = await topicOf(session, name);
  const bootstrapServers = options.bootstrapServers ?? (await session.installation()).bootstrapServers;
  if (bootstrapServers === null) {
    throw usageError(
      `Dead letters lie in Kafka (${topic}): say where that is with --bootstrap-servers, and --command-config for what it asks`,
    );
  }
  const commandConfig = options.commandConfig === undefined ? null : resolve(session.io.cwd, options.commandConfig);
  const { readDeadLetters } = await import('../dead-letters.ts');
  const letters = await readDeadLetters({ bootstrapServers, commandConfig, topic, limit: options.limit });
  const origin = ({ context }: DeadLetter) =>
    context.topic === undefined
      ? '-'
      : // A source's record was in none yet: this is where it was to go.
        context.offset === undefined
        ? `to ${context.topic}`
        : `${context.topic}:${context.partition}@${context.offset}`;
  // The message of what was thrown last says what failed, its cause why.
  const errorOf = (context: DeadLetter['context']) => {
    const trace = context['exception.stacktrace'] ?? '';
    return trace === '' ? oneLine(context['exception.message'] ?? '-') : gist(trace);
  };
  session.list(
    letters,
    [
      // Connect puts a dead letter into the topic with the time of the record that it was.
      { title: 'RECORD TIME', cell: ({ timestamp }) => timestamp },
      { title: 'LETTER', cell: ({ topic: of, partition, offset }) => `${of}:${partition}@${offset}` },
      { title: 'CAME FROM', cell: origin },
      { title: 'STAGE', cell: ({ context }) => context.stage ?? '-' },
      { title: 'ERROR', cell: ({ context }) => errorOf(context) },
      { title: 'KEY', cell: ({ key }) => key ?? 'null', wide: true },
      { title: 'VALUE', cell: ({ value }) => value ?? 'null', wide: true },
    ],
    {
      values: letters,
      name: ({ topic: of, partition, offset }) => `${of}:${partition}@${offset}`,
      nothing: `There are no dead letters in ${topic}`,
    },
  );
}

async function replay(session: Session, options: WaitOptions & { topic?: string }, name: string): Promise<void> {
  const rest = await session.rest();
  const path = `/drover/connectors/${segment(name)}`;
  const body = options.topic === undefined ? undefined : { topic: options.topic };
  const before = requestedAt(await ofConnector(rest, name, rest.get(path)));
  const { body: answer } = await rest.call('POST', `${path}/dead-letters/replay`, body);
  if (options.wait !== true) {
    if (!session.value(answer)) session.io.out(`${recordOf(answer, 'the answer').message}\n`);
    return;
  }
  const done = await pollUntil(
    session,
    options.timeout,
    async () => {
      const report = await rest.get(path);
      const found = isRecord(report) && isRecord(report.replay) ? report.replay : null;
      return found !== null && requestedAt(report) !== before && found.done_at !== null ? found : null;
    },
    () =>
      `After ${options.timeout} seconds not all are put back: drover describe ${connectorWord(name)} shows how far it is`,
  );
  if (!session.value(done)) {
    session.io.out(
      `${counted(Number(done.replayed), 'dead letter', wereOrWas)} put back, of ${done.topic ?? 'the queue'}\n`,
    );
    for (const why of passedOver(name, done)) session.note(why);
  }
  if (done.error !== null) throw new CliError(`The replay of connector/${name} was given up: ${done.error}`);
}

/** Why letters, if any, lie where they lay. */
function passedOver(name: string, { replayed, left, others, error, topic }: JsonRecord): string[] {
  const [without, ofOthers] = [Number(left ?? 0), Number(others ?? 0)];
  if (without > 0) {
    const told = counted(without, 'letter', ['does', 'do']);
    return [
      `${told} not say where from, as the headers do that errors.deadletterqueue.context.headers.enable=true writes: ` +
        `drover dead-letters replay ${connectorWord(name)} --topic TOPIC says where to`,
      ...(ofOthers > 0 ? [ofOther(ofOthers)] : []),
    ];
  }
  if (ofOthers > 0) return [ofOther(ofOthers)];
  if (Number(replayed) > 0 || error !== null) return [];
  return [`${topic ?? 'The queue'} has no letter that was not replayed before: each is put back once`];
}

const ofOther = (count: number) =>
  `${counted(count, 'letter', areOrIs)} of other connectors, which share the topic: a replay of theirs puts them back`;

const requestedAt = (report: Json): Json =>
  isRecord(report) && isRecord(report.replay) ? (report.replay.requested_at ?? null) : null;
