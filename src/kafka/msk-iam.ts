import { type AwsCredentials, algorithm, credentialsIn, Signature, sha256, stampOf } from '../aws-signature.ts';
import { ConnectError } from '../errors.ts';

/** Lambda puts its role's credentials there. */
export function environmentCredentials(environment: Readonly<Record<string, string | undefined>>): AwsCredentials {
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
