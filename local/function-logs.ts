import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { emulatorEnvironment } from './emulator.ts';
import type { LocalStack } from './stack.ts';

export interface LogLine {
  /** Epoch milliseconds. */
  readonly timestamp: number;
  readonly message: string;
}

interface LogPage {
  readonly events?: readonly LogLine[];
  readonly nextToken?: string;
}

/** What a function has logged since an instant (epoch milliseconds), oldest first: as CloudWatch Logs has it. */
export async function functionLog(
  stack: Pick<LocalStack, 'awsEndpoint' | 'region' | 'functions'>,
  name: keyof LocalStack['functions'],
  since = 0,
): Promise<LogLine[]> {
  const functionName = stack.functions[name];
  if (functionName === undefined) return [];
  const logGroupName = await logGroupOf(stack, functionName);
  const lines: LogLine[] = [];
  let nextToken: string | undefined;
  do {
    const page: LogPage = await askLogs(stack, 'FilterLogEvents', { logGroupName, startTime: since, nextToken });
    lines.push(...(page.events ?? []));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return lines.sort((one, other) => one.timestamp - other.timestamp);
}

async function logGroupOf(stack: Pick<LocalStack, 'awsEndpoint' | 'region'>, name: string): Promise<string> {
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = emulatorEnvironment({
    port: 0,
    region: stack.region,
  });
  const client = new LambdaClient({
    endpoint: stack.awsEndpoint,
    region: stack.region,
    credentials: { accessKeyId, secretAccessKey },
  });
  try {
    const { LoggingConfig } = await client.send(new GetFunctionConfigurationCommand({ FunctionName: name }));
    return LoggingConfig?.LogGroup ?? `/aws/lambda/${name}`;
  } finally {
    client.destroy();
  }
}

/** The emulator asks for no signature, but finds the service by it. */
async function askLogs<T>(
  { awsEndpoint, region }: Pick<LocalStack, 'awsEndpoint' | 'region'>,
  action: string,
  body: object,
): Promise<T> {
  const scope = `test/20260101/${region}/logs/aws4_request`;
  const answer = await fetch(awsEndpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `Logs_20140328.${action}`,
      authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`CloudWatch Logs answered ${answer.status} to ${action}: ${await answer.text()}`);
  return (await answer.json()) as T;
}
