import { CliError, exitCodes, messageOf } from './faults.ts';
import type { AwsCredentials } from './sign.ts';

/** Where and as whom AWS is asked; what is undefined the SDK finds as the AWS CLI does. */
export interface AwsSettings {
  readonly region?: string;
  readonly profile?: string;
  readonly endpoint?: string;
  readonly credentials?: AwsCredentials;
}

/** What every client of the SDK takes. */
export function clientConfig({ region, profile, endpoint, credentials }: AwsSettings) {
  return {
    ...(region === undefined ? {} : { region }),
    ...(profile === undefined ? {} : { profile }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials: { ...credentials } as StaticCredentials }),
    maxAttempts: 3,
  };
}

type StaticCredentials = { accessKeyId: string; secretAccessKey: string; sessionToken?: string };

/** The region and the credentials that the SDK finds: environment, profile, SSO, container, instance. */
export async function resolveAws(
  settings: AwsSettings,
): Promise<{ readonly region: () => Promise<string>; readonly credentials: () => Promise<AwsCredentials> }> {
  const { LambdaClient } = await import('@aws-sdk/client-lambda');
  const { config } = new LambdaClient(clientConfig(settings));
  return {
    region: () => askAws(() => config.region()),
    credentials: () => askAws(async () => await config.credentials()),
  };
}

/** Says in words of ours what most often keeps somebody from AWS. */
export async function askAws<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw awsFault(error);
  }
}

const noCredentials =
  /CredentialsProvider|ExpiredToken|InvalidClientToken|UnrecognizedClient|SSOTokenProvider|TokenProvider/;
const noAccess = /AccessDenied|NotAuthorized|UnauthorizedOperation/;
const noWay = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|TimeoutError/;

function awsFault(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof CliError) return error;
  const said = messageOf(error);
  const name = `${error.name} ${(error as { code?: string }).code ?? ''}`;
  if (/region is missing/i.test(said)) {
    return new CliError('No AWS region is known: give --region, or set AWS_REGION', exitCodes.usage);
  }
  if (noCredentials.test(name)) {
    return new CliError(
      `There are no AWS credentials that hold: ${said}. Log in (aws sso login), name a profile with --profile, or set AWS_ACCESS_KEY_ID`,
      exitCodes.unreachable,
    );
  }
  if (noAccess.test(name)) return new CliError(`AWS refuses: ${said}`, exitCodes.unreachable);
  if (noWay.test(name))
    return new CliError(`AWS does not answer: ${said}. Check the network and --region`, exitCodes.unreachable);
  return error;
}
