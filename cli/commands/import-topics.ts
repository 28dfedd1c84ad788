import { askAws, clientConfig } from '../aws.ts';
import { CliError, exitCodes, messageOf } from '../faults.ts';
import { isRecord, type Json, parseJson } from '../json.ts';
import type { Session } from '../session.ts';

export interface TopicsImport {
  readonly start: 'stopped' | 'as-was';
  readonly configsTopic?: string;
  readonly offsetsTopic?: string;
  readonly yes?: boolean;
}

/** By the task function, which reaches the brokers: the table is filled from what a cluster has left in its topics. */
export async function importTopics(
  session: Session,
  { start, configsTopic, offsetsTopic, yes }: TopicsImport,
): Promise<void> {
  const { aws, resources } = await session.installation();
  const name = (await resources()).functions.task;
  if (name === undefined) throw new CliError('The stack has no task function: is it a Drover’s?', exitCodes.missing);
  await session.confirm('Are all workers of that cluster down? Else both run the same connectors.', yes === true);
  const request = {
    kind: 'import',
    start,
    ...(configsTopic === undefined ? {} : { configs: configsTopic }),
    ...(offsetsTopic === undefined ? {} : { offsets: offsetsTopic }),
  };
  const { LambdaClient, InvokeCommand } = await import('@aws-sdk/client-lambda');
  const client = new LambdaClient(clientConfig(aws));
  try {
    const answer = await askAws(() =>
      client.send(new InvokeCommand({ FunctionName: name, Payload: Buffer.from(JSON.stringify(request)) })),
    );
    const text = Buffer.from(answer.Payload ?? []).toString('utf8');
    if (answer.FunctionError !== undefined) throw new CliError(`The import failed: ${reasonIn(text)}`);
    print(session, parseJson(text));
  } finally {
    client.destroy();
  }
}

function reasonIn(text: string): string {
  try {
    const found = parseJson(text);
    return isRecord(found) && typeof found.errorMessage === 'string' ? found.errorMessage : text;
  } catch (error) {
    return `${text} (${messageOf(error)})`;
  }
}

function print(session: Session, report: Json): void {
  if (session.value(report) || !isRecord(report)) return;
  const list = (value: Json | undefined) => (Array.isArray(value) ? (value as readonly Json[]) : []);
  for (const name of list(report.imported)) session.io.out(`connector/${name} ${session.paint('green', 'imported')}\n`);
  for (const entry of list(report.skipped).filter(isRecord))
    session.io.out(`connector/${entry.connector} left out: ${entry.reason}\n`);
  session.io.out(`${report.sourceOffsets} source offsets\n`);
  for (const place of list(report.unreadable)) session.note(`cannot be read: ${place}`);
}
