import { type AwsCredentials, algorithm, credentialsIn, Signature, sha256, stampOf } from '../aws-signature.ts';
import { ConnectError, RetriableError } from '../errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Lambda puts its role's credentials there. */
export function environmentCredentials(environment: Environment): AwsCredentials {
  const credentials = credentialsIn(environment);
  if (credentials === null) {
    throw new ConnectError(
      'kafka.no_credentials',
      'sasl.mechanism=AWS_MSK_IAM needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment',
      { javaClass: 'SaslAuthenticationException' },
    );
  }
  return credentials;
}

/** Where the agent of a container service answers. */
const containerHost = 'http://169.254.170.2';
const answerWithinMs = 5000;

/**
 * Those of the environment; in a container, which has none there, those that its service tells now: they change while it
 * runs, and a run on the runner outlives them. Asked for with each token, which is good for 15 minutes.
 */
export async function currentCredentials(environment: Environment): Promise<AwsCredentials> {
  const path = environment.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI;
  const url = environment.AWS_CONTAINER_CREDENTIALS_FULL_URI ?? (path === undefined ? undefined : containerHost + path);
  if (url === undefined || credentialsIn(environment) !== null) return environmentCredentials(environment);
  const token = environment.AWS_CONTAINER_AUTHORIZATION_TOKEN;
  try {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: token };
    const answer = await fetch(url, { headers, signal: AbortSignal.timeout(answerWithinMs) });
    const told = (await answer.json()) as Readonly<Record<string, unknown>>;
    return environmentCredentials({
      AWS_ACCESS_KEY_ID: String(told.AccessKeyId ?? ''),
      AWS_SECRET_ACCESS_KEY: String(told.SecretAccessKey ?? ''),
      AWS_SESSION_TOKEN: String(told.Token ?? ''),
    });
  } catch (cause) {
    throw new RetriableError(`The container's credentials for sasl.mechanism=AWS_MSK_IAM could not be read: ${cause}`, {
      code: 'kafka.no_credentials',
      cause,
    });
  }
}

/**
 * The region in the names of MSK's brokers, in any of AWS's partitions: `b-1.shop.ab12.c2.kafka.cn-north-1.amazonaws.com.cn`,
 * `boot-ab12.c1.kafka-serverless.eu-west-1.amazonaws.com`. Null: the servers have names of another kind.
 */
export function mskRegion(bootstrapServers: string | undefined): string | null {
  return /\.kafka(?:-serverless)?\.([a-z]{2,4}(?:-[a-z]+)+-\d+)\./.exec(bootstrapServers ?? '')?.[1] ?? null;
}

const service = 'kafka-cluster';
const lifetimeSeconds = 900;

function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/**
 * The bearer token that MSK takes over SASL/OAUTHBEARER: a URL presigned with SigV4 for the action
 * kafka-cluster:Connect, in base64url. Valid for 15 minutes; the broker asks for a new one before. The host is a part of
 * what is signed and nothing is sent to it: as in AWS's own signers it ends in amazonaws.com in every partition.
 */
export function mskIamToken(region: string, credentials: AwsCredentials, now: Date): string {
  const host = `kafka.${region}.amazonaws.com`;
  const signer = new Signature(service, region, credentials);
  const stamp = stampOf(now);
  const parameters: [string, string][] = [
    ['Action', 'kafka-cluster:Connect'],
    ['X-Amz-Algorithm', algorithm],
    ['X-Amz-Credential', `${credentials.accessKeyId}/${signer.scope(stamp)}`],
    ['X-Amz-Date', stamp],
    ['X-Amz-Expires', String(lifetimeSeconds)],
    ...(credentials.sessionToken ? ([['X-Amz-Security-Token', credentials.sessionToken]] as [string, string][]) : []),
    ['X-Amz-SignedHeaders', 'host'],
  ];
  const query = parameters.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&');
  const canonical = ['GET', '/', query, `host:${host}`, '', 'host', sha256('')].join('\n');
  const signature = signer.of(canonical, stamp);
  const agent = encoded('drover');
  return Buffer.from(`https://${host}/?${query}&X-Amz-Signature=${signature}&User-Agent=${agent}`).toString(
    'base64url',
  );
}
