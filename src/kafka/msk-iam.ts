import { createHash, createHmac } from 'node:crypto';
import { ConnectError } from '../errors.ts';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Lambda puts its role's credentials there. */
export function environmentCredentials(environment: Readonly<Record<string, string | undefined>>): AwsCredentials {
  const accessKeyId = environment.AWS_ACCESS_KEY_ID;
  const secretAccessKey = environment.AWS_SECRET_ACCESS_KEY;
  if (!accessKeyId || !secretAccessKey) {
    throw new ConnectError(
      'kafka.no_credentials',
      'sasl.mechanism=AWS_MSK_IAM needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment',
      { javaClass: 'SaslAuthenticationException' },
    );
  }
  const sessionToken = environment.AWS_SESSION_TOKEN;
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
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

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/**
 * The bearer token that MSK takes over SASL/OAUTHBEARER: a URL presigned with SigV4 for the action
 * kafka-cluster:Connect, in base64url. Valid for 15 minutes; the broker asks for a new one before. The host is a part of
 * what is signed and nothing is sent to it: as in AWS's own signers it ends in amazonaws.com in every partition.
 */
export function mskIamToken(region: string, credentials: AwsCredentials, now: Date): string {
  const host = `kafka.${region}.amazonaws.com`;
  const stamp = `${now.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
  const day = stamp.slice(0, 8);
  const scope = `${day}/${region}/${service}/aws4_request`;
  const parameters: [string, string][] = [
    ['Action', 'kafka-cluster:Connect'],
    ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
    ['X-Amz-Credential', `${credentials.accessKeyId}/${scope}`],
    ['X-Amz-Date', stamp],
    ['X-Amz-Expires', String(lifetimeSeconds)],
    ...(credentials.sessionToken ? ([['X-Amz-Security-Token', credentials.sessionToken]] as [string, string][]) : []),
    ['X-Amz-SignedHeaders', 'host'],
  ];
  const query = parameters.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&');
  const canonical = ['GET', '/', query, `host:${host}`, '', 'host', sha256('')].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', stamp, scope, sha256(canonical)].join('\n');
  let key = hmac(`AWS4${credentials.secretAccessKey}`, day);
  for (const part of [region, service, 'aws4_request']) key = hmac(key, part);
  const signature = hmac(key, toSign).toString('hex');
  const agent = encoded('drover');
  return Buffer.from(`https://${host}/?${query}&X-Amz-Signature=${signature}&User-Agent=${agent}`).toString(
    'base64url',
  );
}
