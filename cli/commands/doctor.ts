import { once } from 'node:events';
import { connect } from 'node:net';
import type { Command } from 'commander';
import { droverBuild } from '../../src/version.ts';
import { askAws, clientConfig } from '../aws.ts';
import { allConnectors, allReports, type Connector, misspeltOf, recordOf, waitsForRunner } from '../connect-api.ts';
import { CliError, exitCodes, messageOf } from '../faults.ts';
import type { Installation } from '../installation.ts';
import { isRecord, type Json } from '../json.ts';
import { functionConfiguration } from '../logs.ts';
import { age, type Cell, counted, wereOrWas } from '../output.ts';
import { connectorWord } from '../resources.ts';
import type { Rest } from '../rest.ts';
import { type CommandContext, run, type Session } from '../session.ts';
import type { StackResources } from '../stack-resources.ts';
import { gist, traceOf } from './get.ts';

export function addDoctor(program: Command, context: CommandContext): void {
  program
    .command('doctor')
    .summary('check an installation, and say what to do about what is wrong')
    .description(
      'Looks at the API and its version, connectors and tasks that failed or died, event sources without a connector, the mirror topics, ' +
        'and in AWS at the functions, their triggers, the queue of failures and the alarms. Ends with 1 if something is wrong. What it ' +
        'could not look at it says, with a question mark.',
    )
    .action(run(context, doctor));
}

/** How long a broker may take to answer. */
const brokerMs = 2000;

interface Finding {
  readonly check: string;
  readonly result: 'ok' | 'warning' | 'wrong' | 'not known';
  readonly detail: string;
  /** Empty where there is nothing to do. */
  readonly mend: string;
}

const ok = (check: string, detail: string): Finding => ({ check, result: 'ok', detail, mend: '' });

async function doctor(session: Session): Promise<void> {
  const installation = await session.installation();
  const rest = await session.rest();
  const findings: Finding[] = [];
  const root = recordOf(await rest.get('/'), 'its version');
  findings.push(version(root), await brokers(root, installation));
  const connectors = await allConnectors(rest);
  findings.push(failed(connectors), waiting(connectors));
  findings.push(...(await reports(rest, connectors, session.io.now())));
  findings.push(...installationFindings(session, await rest.find('/drover')));
  findings.push(...(await inAws(installation)));
  const rank = { wrong: 0, warning: 1, 'not known': 2, ok: 3 };
  const sorted = findings.sort((one, other) => rank[one.result] - rank[other.result]);
  session.list(
    sorted,
    [
      { title: '', cell: ({ result }) => signs[result] },
      { title: 'CHECK', cell: ({ check }) => check },
      { title: 'FOUND', cell: ({ detail }) => detail },
      { title: 'DO', cell: ({ mend }) => mend },
    ],
    { values: sorted, name: ({ check }) => check, nothing: 'Nothing was checked' },
  );
  const wrong = findings.filter(({ result }) => result === 'wrong').length;
  if (wrong > 0) throw new CliError(`${wrong} of ${findings.length} checks found something wrong`);
}

const signs: Readonly<Record<Finding['result'], Cell>> = {
  ok: { text: '✓', style: 'green' },
  warning: { text: '!', style: 'yellow' },
  wrong: { text: '✗', style: 'red' },
  'not known': { text: '?', style: 'dim' },
};

function version({ commit, version: connect }: Readonly<Record<string, Json>>): Finding {
  const check = 'versions';
  if (commit === droverBuild) return ok(check, `Kafka Connect ${connect}, ${commit}`);
  const mend = 'deploy and command line of one version: npm install drover, cdk deploy';
  return { check, result: 'warning', detail: `the installation is ${commit}, this program ${droverBuild}`, mend };
}

/** The mirror writes the cluster's id when it has reached the brokers, once; whether they answer now is seen where this machine reaches them. */
async function brokers(
  { kafka_cluster_id: id }: Readonly<Record<string, Json>>,
  { bootstrapServers }: Installation,
): Promise<Finding> {
  const check = 'brokers';
  if (bootstrapServers !== null && !(await anyAnswers(bootstrapServers.split(',')))) {
    const mend = 'start them again; tasks go on by themselves then';
    return { check, result: 'wrong', detail: `nobody answers at ${bootstrapServers}`, mend };
  }
  if (typeof id === 'string' && id !== '') {
    const reached = bootstrapServers === null ? 'have been reached' : 'reached';
    return ok(check, `${reached}: cluster ${id}`);
  }
  const mend = 'drover logs --function mirror says why: the security group, the subnets’ ways, the credentials';
  return { check, result: 'wrong', detail: 'no function has reached the Kafka cluster yet', mend };
}

async function anyAnswers(addresses: readonly string[]): Promise<boolean> {
  const answers = addresses.map(async (address) => {
    const { hostname, port } = new URL(`kafka://${address}`);
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port), timeout: brokerMs });
    try {
      await once(
        socket.once('timeout', () => socket.destroy(new Error('no answer'))),
        'connect',
      );
    } finally {
      socket.destroy();
    }
  });
  return await Promise.any(answers).then(
    () => true,
    () => false,
  );
}

const several = (names: readonly string[]) =>
  names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;

function failed(connectors: readonly Connector[]): Finding {
  const check = 'connectors';
  const bad = connectors.filter(({ status, tasks }) => [status, ...tasks].some(({ state }) => state === 'FAILED'));
  if (bad.length === 0) return ok(check, `${connectors.length}, none has failed`);
  const [first] = bad;
  const word = connectorWord(first!.name);
  return {
    check,
    result: 'wrong',
    detail: `${several(bad.map(({ name }) => name))} FAILED: ${gist(traceOf(first!))}`,
    mend: `drover describe ${word}; mend it, then drover restart ${word} --include-tasks --only-failed`,
  };
}

function waiting(connectors: readonly Connector[]): Finding {
  const check = 'waiting';
  const idle = connectors.filter(({ status, tasks }) => [status, ...tasks].some(({ state }) => state === 'UNASSIGNED'));
  if (idle.length === 0) return ok(check, 'everything that shall run has run');
  const mend = 'look again in a minute; then drover logs --function coordinator, and the alarm TaskThrottles';
  return { check, result: 'warning', detail: `nothing has run ${several(idle.map(({ name }) => name))} yet`, mend };
}

/** What only the reports tell, of those that run. */
async function reports(rest: Rest, connectors: readonly Connector[], now: number): Promise<Finding[]> {
  const dying: string[] = [];
  const struggling: string[] = [];
  const misspelt: string[] = [];
  const forRunner: string[] = [];
  const running = new Map(
    connectors.filter(({ status }) => status.state === 'RUNNING').map((connector) => [connector.name, connector]),
  );
  for (const report of await allReports(rest)) {
    const name = String(report.name);
    const connector = running.get(name);
    if (connector === undefined) continue;
    const tasks = (Array.isArray(report.tasks) ? (report.tasks as readonly Json[]) : []).filter(isRecord);
    const deaths = [report.deaths, ...tasks.map((task) => task.deaths)].filter(isRecord);
    if (deaths.some((of) => Number(of.in_row) >= 2)) dying.push(name);
    if (tasks.some((task) => waitsForRunner(connector, task, now))) forRunner.push(name);
    if (misspeltOf(report).length > 0) misspelt.push(name);
    if (tasks.some((task) => Number(task.consecutive_failures) > 0 && task.state !== 'FAILED')) struggling.push(name);
  }
  const findings: Finding[] = [];
  if (dying.length > 0) {
    const mend = 'docs/operations.md, "Runs that die": the invocation’s log says whether memory or time ran out';
    findings.push({ check: 'deaths', result: 'wrong', detail: `runs of ${several(dying)} end without a word`, mend });
  }
  if (struggling.length > 0) {
    const mend = `drover describe ${connectorWord(struggling[0]!)}: what it cannot reach; it is tried again by itself`;
    findings.push({ check: 'retries', result: 'warning', detail: `${several(struggling)} failed for now`, mend });
  }
  if (forRunner.length > 0) {
    const mend = 'docs/runner.md, "When nobody takes them": no runner is up, or all its places are taken';
    findings.push({
      check: 'runner',
      result: 'wrong',
      detail: `tasks of ${several(forRunner)} wait for a runner, and none takes them`,
      mend,
    });
  }
  if (findings.length === 0) findings.push(ok('runs', 'none dies, none fails'));
  if (misspelt.length > 0) {
    const word = connectorWord(misspelt[0]!);
    const mend = `drover describe ${word} names them; drover patch ${word} --set KEY=VALUE --remove MISSPELT`;
    findings.push({
      check: 'settings',
      result: 'warning',
      detail: `${several(misspelt)} ${misspelt.length === 1 ? 'has' : 'have'} misspelt ones`,
      mend,
    });
  }
  return findings;
}

const lateMs = 60_000;

function installationFindings({ io }: Session, own: Json): Finding[] {
  if (!isRecord(own)) return [{ check: 'mirror', result: 'not known', detail: 'this is no Drover', mend: '' }];
  const mirror = isRecord(own.mirror) ? own.mirror : null;
  const lag = Number(mirror?.lag_ms ?? 0);
  const mend = 'drover logs --function mirror: Kafka unreachable, not authorised, or a topic that is not compacted';
  const findings: Finding[] =
    mirror === null
      ? [{ check: 'mirror', result: 'warning', detail: 'it has written nothing yet', mend }]
      : lag > lateMs
        ? [{ check: 'mirror', result: 'wrong', detail: `the topics were ${age(lag)} behind the table`, mend }]
        : [ok('mirror', `${age(lag)} behind the table`)];
  const feeds = (Array.isArray(own.feeds) ? (own.feeds as readonly Json[]) : []).filter(isRecord);
  const lost = feeds.filter(
    ({ connector, event_without_connector_at: at }) => connector === null && typeof at === 'string',
  );
  const recent = lost.filter((feed) => io.now() - Date.parse(String(feed.event_without_connector_at)) < 86_400_000);
  if (recent.length > 0) {
    const detail = `events came for nobody: ${several(recent.map((feed) => String(feed.event_source)))}`;
    findings.push({
      check: 'feeds',
      result: 'warning',
      detail,
      mend: 'make the connector that names it, or take the declaration out',
    });
  } else if (feeds.length > 0)
    findings.push(
      ok('feeds', `${feeds.length} declared, ${feeds.filter(({ open }) => open === true).length} bring events`),
    );
  return findings;
}

async function inAws(installation: Installation): Promise<Finding[]> {
  let resources: StackResources;
  try {
    resources = await installation.resources();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return [{ check: 'AWS', result: 'not known', detail: messageOf(error), mend: '' }];
  }
  const checks: readonly (readonly [string, () => Promise<Finding[]>])[] = [
    ['functions', () => functions(installation, resources)],
    ['triggers', () => triggers(installation, resources)],
    ['failures', () => failures(installation, resources)],
    ['alarms', () => alarms(installation, resources)],
  ];
  const found: Finding[] = [];
  for (const [check, look] of checks) {
    try {
      found.push(...(await look()));
    } catch (error) {
      const mend =
        error instanceof CliError && error.exitCode === exitCodes.unreachable ? 'ask for the right to read it' : '';
      found.push({ check, result: 'not known', detail: messageOf(error), mend });
    }
  }
  return found;
}

async function functions({ aws }: Installation, { functions: names }: StackResources): Promise<Finding[]> {
  const check = 'functions';
  const missing = (['rest', 'coordinator', 'task', 'mirror'] as const).filter((role) => names[role] === undefined);
  if (missing.length > 0)
    return [{ check, result: 'wrong', detail: `the stack has no ${missing.join(', ')}`, mend: 'cdk deploy' }];
  const bad: Finding[] = [];
  for (const [role, name] of Object.entries(names)) {
    const { state, lastUpdate } = await functionConfiguration(aws, name!);
    if (state === 'Active' || state === 'Inactive') {
      if (lastUpdate !== 'Failed') continue;
    }
    const mend =
      state === 'Pending' || lastUpdate === 'InProgress'
        ? 'wait until it is done'
        : 'cdk deploy again; the function’s page in the console says why';
    bad.push({ check, result: 'wrong', detail: `${role} is ${state}, its last update ${lastUpdate}`, mend });
  }
  return bad.length > 0 ? bad : [ok(check, `${Object.keys(names).length} are there and up to date`)];
}

/** The coordinator and the mirror live by the table’s stream. */
async function triggers({ aws }: Installation, { functions: names }: StackResources): Promise<Finding[]> {
  const check = 'triggers';
  const { LambdaClient, ListEventSourceMappingsCommand } = await import('@aws-sdk/client-lambda');
  const client = new LambdaClient(clientConfig(aws));
  try {
    const bad: Finding[] = [];
    for (const role of ['coordinator', 'mirror'] as const) {
      const asked = new ListEventSourceMappingsCommand({ FunctionName: names[role] });
      const { EventSourceMappings = [] } = await askAws(() => client.send(asked));
      const streams = EventSourceMappings.filter(({ EventSourceArn = '' }) =>
        /:dynamodb:.*\/stream\//.test(EventSourceArn),
      );
      const on = streams.find(({ State }) => State === 'Enabled' || State === 'Enabling' || State === 'Updating');
      if (on === undefined) {
        const detail = `the table’s stream does not reach the ${role}${streams[0] === undefined ? '' : `: it is ${streams[0].State}`}`;
        bad.push({
          check,
          result: 'wrong',
          detail,
          mend: 'aws lambda update-event-source-mapping --enabled, or cdk deploy',
        });
      } else if (/problem|error/i.test(on.LastProcessingResult ?? '')) {
        const mend = `drover logs --function ${role} --level WARN`;
        bad.push({ check, result: 'warning', detail: `${role}: ${on.LastProcessingResult}`, mend });
      }
    }
    return bad.length > 0 ? bad : [ok(check, 'the table’s stream reaches coordinator and mirror')];
  } finally {
    client.destroy();
  }
}

async function failures({ aws }: Installation, { failureQueues }: StackResources): Promise<Finding[]> {
  const check = 'failures';
  const { SQSClient, GetQueueAttributesCommand } = await import('@aws-sdk/client-sqs');
  const client = new SQSClient({ ...clientConfig(aws), useQueueUrlAsEndpoint: false });
  try {
    const found: Finding[] = [];
    for (const url of failureQueues) {
      const asked = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['ApproximateNumberOfMessages'] });
      const count = Number((await askAws(() => client.send(asked))).Attributes?.ApproximateNumberOfMessages ?? 0);
      if (count === 0) continue;
      const mend = 'docs/operations.md, "Read the alarms": FailedEvents, and the failures of an event source';
      found.push({
        check,
        result: 'wrong',
        detail: `${counted(count, 'event', wereOrWas)} given up: ${url.split('/').at(-1)}`,
        mend,
      });
    }
    return found.length > 0 ? found : [ok(check, `no event was given up (${counted(failureQueues.length, 'queue')})`)];
  } finally {
    client.destroy();
  }
}

async function alarms({ aws }: Installation, { alarms: names }: StackResources): Promise<Finding[]> {
  const check = 'alarms';
  if (names.length === 0)
    return [{ check, result: 'not known', detail: 'none are known of this installation', mend: '' }];
  const { CloudWatchClient, DescribeAlarmsCommand } = await import('@aws-sdk/client-cloudwatch');
  const client = new CloudWatchClient(clientConfig(aws));
  try {
    const ringing: string[] = [];
    for (let at = 0; at < names.length; at += 100) {
      const { MetricAlarms = [] } = await askAws(() =>
        client.send(new DescribeAlarmsCommand({ AlarmNames: names.slice(at, at + 100) })),
      );
      ringing.push(
        ...MetricAlarms.filter(({ StateValue }) => StateValue === 'ALARM').map(({ AlarmName = '' }) => AlarmName),
      );
    }
    if (ringing.length === 0) return [ok(check, `${names.length}, none rings`)];
    return [
      {
        check,
        result: 'wrong',
        detail: several(ringing),
        mend: 'docs/operations.md, "Read the alarms", says of each what to do',
      },
    ];
  } finally {
    client.destroy();
  }
}
