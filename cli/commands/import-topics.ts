import { askAws, clientConfig } from '../aws.ts';
import type { WantedConnector } from '../connector-files.ts';
import { CliError, exitCodes, messageOf } from '../faults.ts';
import { isRecord, type Json, type JsonRecord, parseJson } from '../json.ts';
import type { Session } from '../session.ts';

export interface TopicsOptions {
  readonly start: 'stopped' | 'as-was';
  readonly configsTopic?: string;
  readonly offsetsTopic?: string;
  readonly groupId?: string;
  readonly whileRunning?: boolean;
}

/** A connector that a cluster has left in its topics. */
export interface LeftConnector {
  readonly wanted: WantedConnector;
  /** Null: a sink's are Kafka's, or there is no plugin that could tell. */
  readonly offsets: number | null;
  /** To be set over the API, where whoever takes it over does not read the topics itself. */
  readonly entries?: readonly { readonly partition: Json; readonly offset: Json }[];
}

/** What a cluster has left in its topics, read and taken over by the task function, which reaches the brokers. */
export class ClusterInTopics {
  readonly #session: Session;
  readonly #request: JsonRecord;

  constructor(session: Session, { start, configsTopic, offsetsTopic, groupId, whileRunning }: TopicsOptions) {
    this.#session = session;
    this.#request = {
      kind: 'import',
      start,
      ...(configsTopic === undefined ? {} : { configs: configsTopic }),
      ...(offsetsTopic === undefined ? {} : { offsets: offsetsTopic }),
      ...(groupId === undefined ? {} : { group: groupId }),
      ...(whileRunning === true ? { whileRunning } : {}),
    };
  }

  /** Says on the way whose workers still run, and what nobody could read. */
  async look(): Promise<LeftConnector[]> {
    const found = await this.#ask({ dryRun: true });
    for (const { group, hosts } of recordsIn(found.workers)) {
      this.#session.note(`Workers are running: group.id ${group} at ${[...new Set(listIn(hosts))].join(', ')}`);
    }
    for (const place of listIn(found.unreadable)) this.#session.note(`cannot be read: ${place}`);
    return recordsIn(found.connectors).map(({ name, config, type, targetState, sourceOffsets }) => ({
      wanted: {
        name: String(name),
        config: { ...(isRecord(config) ? (config as Record<string, string>) : {}), name: String(name) },
        state: targetState === 'PAUSED' || targetState === 'STOPPED' ? targetState : 'RUNNING',
        initialState: null,
        from: 'the topics',
      },
      offsets: type === 'source' ? Number(sourceOffsets) : null,
    }));
  }

  /** Why the others are left out, by name. */
  async takeOver(names: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const report = await this.#ask({ connectors: names });
    return new Map(recordsIn(report.skipped).map(({ connector, reason }) => [String(connector), String(reason)]));
  }

  async #ask(more: JsonRecord): Promise<JsonRecord> {
    const { aws, resources } = await this.#session.installation();
    const name = (await resources()).functions.task;
    if (name === undefined) throw new CliError('The stack has no task function: is it a Drover’s?', exitCodes.missing);
    const { LambdaClient, InvokeCommand } = await import('@aws-sdk/client-lambda');
    const client = new LambdaClient(clientConfig(aws));
    try {
      const payload = Buffer.from(JSON.stringify({ ...this.#request, ...more }));
      const answer = await askAws(() => client.send(new InvokeCommand({ FunctionName: name, Payload: payload })));
      const text = Buffer.from(answer.Payload ?? []).toString('utf8');
      if (answer.FunctionError !== undefined) throw new CliError(`The import failed: ${reasonIn(text)}`);
      const parsed = parseJson(text);
      if (!isRecord(parsed)) throw new CliError(`The task function gave no report: ${text}`);
      return parsed;
    } finally {
      client.destroy();
    }
  }
}

const listIn = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : []);
const recordsIn = (value: Json | undefined): readonly JsonRecord[] => listIn(value).filter(isRecord);

function reasonIn(text: string): string {
  try {
    const found = parseJson(text);
    return isRecord(found) && typeof found.errorMessage === 'string' ? found.errorMessage : text;
  } catch (error) {
    return `${text} (${messageOf(error)})`;
  }
}
