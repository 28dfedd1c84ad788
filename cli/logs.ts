import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { type AwsSettings, askAws, clientConfig } from './aws.ts';
import { CliError, exitCodes, usageError } from './faults.ts';
import type { Installation } from './installation.ts';
import { isRecord, type JsonRecord } from './json.ts';
import { type LogRole, type LogSource, logRoles, runningRoles } from './stack-resources.ts';

/** A line that a function of the installation, or its runner, has logged. */
export interface LogLine {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly role: LogRole;
  readonly stream: string;
  readonly text: string;
  /** Of Drover's own lines; null: Lambda's, or a plugin's that prints. */
  readonly fields: JsonRecord | null;
}

export interface LogQuestion {
  readonly roles: readonly LogRole[];
  readonly connector: string | null;
  readonly task: number | null;
  /** Any of these; empty: all. */
  readonly events: readonly string[];
}

/** CloudWatch takes lines in late; what comes within this time is seen when it comes. */
const latenessMs = 15_000;

/** Reads the log groups of the functions, from an instant on; each `next` answers what is new. */
export class FunctionLogs {
  readonly #installation: Installation;
  readonly #question: LogQuestion;
  readonly #seen = new Map<string, number>();
  #sources: Promise<ReadonlyMap<LogRole, LogSource>> | null = null;
  #from: number;

  constructor(installation: Installation, question: LogQuestion, from: number) {
    this.#installation = installation;
    this.#question = question;
    this.#from = from;
  }

  /** Oldest first. */
  async next(now: number): Promise<LogLine[]> {
    this.#sources ??= logSources(this.#installation, this.#question.roles);
    const found: LogLine[] = [];
    for (const [role, source] of await this.#sources) {
      const counts = new Map<string, number>();
      for await (const { at, text, stream, id } of this.#eventsOf(source)) {
        // Lines of one millisecond may read the same: without an id they are counted.
        const same = id ?? `${stream} ${at} ${text}`;
        const count = (counts.get(same) ?? 0) + 1;
        counts.set(same, count);
        const key = `${role} ${same} ${count}`;
        if (this.#seen.has(key)) continue;
        this.#seen.set(key, at);
        const fields = fieldsOf(text);
        const line = { at: writtenAt(fields) ?? at, role, stream, text: text.trimEnd(), fields };
        if (answers(line, this.#question)) found.push(line);
      }
    }
    this.#from = Math.max(this.#from, now - latenessMs);
    for (const [key, at] of this.#seen) if (at < this.#from) this.#seen.delete(key);
    return found.sort((one, other) => one.at - other.at);
  }

  #eventsOf(source: LogSource): AsyncIterable<LogEvent> {
    const pattern = patternOf(this.#question);
    return 'file' in source
      ? eventsOfFile(source.file, this.#from)
      : eventsOfGroup(this.#installation.aws, source.group, this.#from, pattern);
  }
}

interface LogEvent {
  /** When it came, epoch milliseconds. */
  readonly at: number;
  readonly text: string;
  readonly stream: string;
  readonly id?: string | undefined;
}

async function* eventsOfGroup(
  aws: AwsSettings,
  logGroupName: string,
  startTime: number,
  filterPattern: string | undefined,
): AsyncGenerator<LogEvent> {
  const { CloudWatchLogsClient, FilterLogEventsCommand } = await import('@aws-sdk/client-cloudwatch-logs');
  const client = new CloudWatchLogsClient(clientConfig(aws));
  try {
    let nextToken: string | undefined;
    do {
      const page = await askAws(() =>
        client
          .send(new FilterLogEventsCommand({ logGroupName, startTime, filterPattern, nextToken }))
          // A function that has never run has no group yet.
          .catch((error: Error) => {
            if (error.name === 'ResourceNotFoundException') return { events: [], nextToken: undefined };
            throw error;
          }),
      );
      for (const { timestamp: at = 0, message: text = '', logStreamName: stream = '', eventId: id } of page.events ??
        [])
        yield { at, text, stream, id };
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
  } finally {
    client.destroy();
  }
}

/** A line without a time of its own is as old as the one before it. */
async function* eventsOfFile(file: string, since: number): AsyncGenerator<LogEvent> {
  let at = 0;
  const text = createReadStream(file).on('error', () => {});
  try {
    for await (const line of createInterface({ input: text })) {
      at = writtenAt(fieldsOf(line)) ?? at;
      if (at >= since && line !== '') yield { at, text: line, stream: file };
    }
  } catch (error) {
    // A stack that is being stopped.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** A line says itself when it was written; CloudWatch when it came. */
function writtenAt(fields: JsonRecord | null): number | null {
  const written = Date.parse(String(fields?.timestamp));
  return Number.isNaN(written) ? null : written;
}

/** Filters where the lines are, so that others need not be fetched; `answers` has the last word. */
export function patternOf({ connector, task, events }: LogQuestion): string | undefined {
  const terms = [
    ...(connector === null ? [] : [`$.connector = ${JSON.stringify(connector)}`]),
    ...(task === null ? [] : [`$.task = ${task}`]),
    ...(events.length === 0 ? [] : [`(${events.map((event) => `$.event = ${JSON.stringify(event)}`).join(' || ')})`]),
  ];
  return terms.length === 0 ? undefined : `{ ${terms.join(' && ')} }`;
}

export function answers({ fields }: Pick<LogLine, 'fields'>, { connector, task, events }: LogQuestion): boolean {
  if (connector !== null && fields?.connector !== connector) return false;
  if (task !== null && fields?.task !== task) return false;
  return events.length === 0 || events.includes(String(fields?.event));
}

function fieldsOf(text: string): JsonRecord | null {
  if (!text.startsWith('{')) return null;
  try {
    const found: unknown = JSON.parse(text);
    return isRecord(found) ? found : null;
  } catch {
    return null;
  }
}

async function logSources(
  { aws, resources }: Installation,
  roles: readonly LogRole[],
): Promise<ReadonlyMap<LogRole, LogSource>> {
  const { functions, runnerLog } = await resources();
  const sources = new Map<LogRole, LogSource>();
  for (const role of roles) {
    if (role === 'runner') {
      if (runnerLog !== null) sources.set(role, runnerLog);
      continue;
    }
    const name = functions[role];
    if (name !== undefined) sources.set(role, { group: (await functionConfiguration(aws, name)).logGroup });
  }
  if (sources.size === 0) {
    throw new CliError(`The stack has no ${roles.join(' or ')}: is it a Drover’s?`, exitCodes.missing);
  }
  return sources;
}

/** Megabytes that the functions have which run connectors: what a run costs is by them. */
export async function memoryOf({ aws, resources }: Installation): Promise<ReadonlyMap<LogRole, number>> {
  const { functions } = await resources();
  const memory = new Map<LogRole, number>();
  for (const role of runningRoles) {
    const name = role === 'runner' ? undefined : functions[role];
    const { memoryMb } = name === undefined ? { memoryMb: null } : await functionConfiguration(aws, name);
    if (memoryMb !== null) memory.set(role, memoryMb);
  }
  return memory;
}

export interface FunctionFacts {
  readonly logGroup: string;
  readonly state: string;
  readonly lastUpdate: string;
  readonly runtime: string;
  readonly memoryMb: number | null;
}

export async function functionConfiguration(aws: AwsSettings, name: string): Promise<FunctionFacts> {
  const { LambdaClient, GetFunctionConfigurationCommand } = await import('@aws-sdk/client-lambda');
  const client = new LambdaClient(clientConfig(aws));
  try {
    const found = await askAws(() => client.send(new GetFunctionConfigurationCommand({ FunctionName: name })));
    return {
      logGroup: found.LoggingConfig?.LogGroup ?? `/aws/lambda/${name}`,
      state: found.State ?? 'Active',
      lastUpdate: found.LastUpdateStatus ?? 'Successful',
      runtime: found.Runtime ?? '',
      memoryMb: found.MemorySize ?? null,
    };
  } finally {
    client.destroy();
  }
}

export function rolesOf(texts: readonly string[]): LogRole[] {
  return texts.map((text) => {
    const role = logRoles.find((known) => known === text);
    if (role === undefined) throw usageError(`There is no function ${text}: there are ${logRoles.join(', ')}`);
    return role;
  });
}

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `10m`, `2h`, `7d` before now, or an instant: epoch milliseconds. */
export const sinceOf =
  (now: () => number) =>
  (text: string): number => {
    const match = /^(\d+)([smhd])$/.exec(text);
    if (match !== null) return now() - Number(match[1]) * units[match[2]!]!;
    const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
    if (Number.isNaN(at))
      throw usageError(`--since is "${text}": it must be a time such as 90s, 10m, 2h, 7d, or 2026-11-29T12:00:00Z`);
    return at;
  };
