import { type AwsSettings, askAws, clientConfig } from './aws.ts';
import { CliError, exitCodes, usageError } from './faults.ts';

/** Functions by what they are for; that of Java plugins is not everywhere. */
export const functionRoles = ['rest', 'coordinator', 'task', 'java-task', 'mirror', 'feed'] as const;
export type FunctionRole = (typeof functionRoles)[number];
/** What logs: the functions, and the runner beside them. */
export const logRoles = [...functionRoles, 'runner'] as const;
export type LogRole = (typeof logRoles)[number];
/** What runs connectors. */
export const runningRoles = ['task', 'java-task', 'feed', 'runner'] as const satisfies readonly LogRole[];

/** Where lines are: in a log group, or, of a local stack's runner, in a file. */
export type LogSource = { readonly group: string } | { readonly file: string };

/** What an installation is made of, as far as the command line asks for it. */
export interface StackResources {
  readonly functions: Readonly<Partial<Record<FunctionRole, string>>>;
  /** Null: there is no runner. */
  readonly runnerLog: LogSource | null;
  /** Of events that were given up: of the functions, and of each event source. */
  readonly failureQueues: readonly string[];
  /** Names of the alarms of the stack. */
  readonly alarms: readonly string[];
  /** Of the REST API; null where the stack does not say. */
  readonly restUrl: string | null;
}

interface Resource {
  readonly LogicalResourceId?: string | undefined;
  readonly PhysicalResourceId?: string | undefined;
  readonly ResourceType?: string | undefined;
}

export async function stackResources(
  stack: string,
  aws: AwsSettings,
  region: () => Promise<string>,
): Promise<StackResources> {
  const { CloudFormationClient, DescribeStacksCommand, ListStackResourcesCommand } = await import(
    '@aws-sdk/client-cloudformation'
  );
  const client = new CloudFormationClient(clientConfig(aws));
  try {
    const described = await askAws(() =>
      client.send(new DescribeStacksCommand({ StackName: stack })).catch(noStack(stack, region)),
    );
    const outputs = (described.Stacks?.[0]?.Outputs ?? []).filter(
      ({ OutputKey = '', OutputValue = '' }) => /RestUrl/.test(OutputKey) && /^https?:/.test(OutputValue),
    );
    const resources: Resource[] = [];
    let NextToken: string | undefined;
    do {
      const page = await askAws(() => client.send(new ListStackResourcesCommand({ StackName: stack, NextToken })));
      resources.push(...(page.StackResourceSummaries ?? []));
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    const read = readResources(resources);
    if (outputs.length > 1 || read.apis.length > 1) {
      throw usageError(`The stack ${stack} has more than one Drover: name the one that you mean with --url`);
    }
    const [api] = read.apis;
    const restUrl =
      outputs[0]?.OutputValue ??
      (api === undefined ? null : `https://${api}.execute-api.${await region()}.amazonaws.com`);
    return { ...read, restUrl };
  } finally {
    client.destroy();
  }
}

const idOf = (role: FunctionRole) => (role === 'java-task' ? 'Java' : `${role[0]!.toUpperCase()}${role.slice(1)}`);

/** By the ids that the construct gives: `ConnectTaskFunction0A1B2C3D`. */
export function readResources(
  resources: readonly Resource[],
): Omit<StackResources, 'restUrl'> & { readonly apis: readonly string[] } {
  const named = (type: string, id: RegExp) =>
    resources
      .filter(({ LogicalResourceId = '', ResourceType }) => ResourceType === type && id.test(LogicalResourceId))
      .flatMap(({ PhysicalResourceId }) => (PhysicalResourceId === undefined ? [] : [PhysicalResourceId]));
  const functions: Partial<Record<FunctionRole, string>> = {};
  for (const role of functionRoles) {
    const id = new RegExp(`${idOf(role)}Function[0-9A-F]{8}$`);
    const [name] = named('AWS::Lambda::Function', id);
    if (name !== undefined) functions[role] = name;
  }
  const [runnerGroup] = named('AWS::Logs::LogGroup', /RunnerLog[0-9A-F]{8}$/);
  return {
    functions,
    runnerLog: runnerGroup === undefined ? null : { group: runnerGroup },
    failureQueues: named('AWS::SQS::Queue', /Failures[0-9A-F]{8}$/),
    alarms: named('AWS::CloudWatch::Alarm', /./),
    apis: named('AWS::ApiGatewayV2::Api', /RestApi[0-9A-F]{8}$/),
  };
}

/** The stack that an API belongs to; null: nobody's whom we may ask. */
export async function stackOfApi(apiId: string, aws: AwsSettings): Promise<string | null> {
  const { CloudFormationClient, DescribeStackResourcesCommand } = await import('@aws-sdk/client-cloudformation');
  const client = new CloudFormationClient(clientConfig(aws));
  try {
    const { StackResources = [] } = await client.send(new DescribeStackResourcesCommand({ PhysicalResourceId: apiId }));
    return StackResources[0]?.StackName ?? null;
  } catch (error) {
    if ((error as Error).name === 'ValidationError') return null;
    return await askAws(() => Promise.reject(error));
  } finally {
    client.destroy();
  }
}

const noStack =
  (stack: string, region: () => Promise<string>) =>
  async (error: Error): Promise<never> => {
    if (!/does not exist/.test(error.message)) throw error;
    throw new CliError(
      `There is no stack ${stack} in ${await region()}: check the name (aws cloudformation list-stacks), --region and --profile`,
      exitCodes.missing,
    );
  };
