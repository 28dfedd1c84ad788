import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { ConfigError, ConnectError, type Password, RetriableError } from '../../src/api/index.ts';
import { type AssumedRole, assumedRole } from '../assumed-role.ts';

/** Where the bucket is, and as whom to go there. */
export interface S3Access {
  /** Null: the function's own. */
  readonly region: string | null;
  /** A URL other than AWS's own; null: AWS, or what AWS_ENDPOINT_URL says. */
  readonly endpoint: string | null;
  /** The bucket in the path and not in the host name. Null: with an endpoint of its own. */
  readonly pathStyle: boolean | null;
  /** Null: the function's role. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: Password } | null;
  readonly role: S3Role | null;
}

/** Taken with the credentials above. */
export interface S3Role extends AssumedRole {
  readonly stsEndpoint: string | null;
}

/** A client and the commands to send by it. */
export interface S3 {
  readonly client: S3Client;
  readonly sdk: typeof import('./s3-sdk.ts');
}

/** A request without an answer is sent again: a silent bucket must not hold a run until its deadline. */
const timeouts = { connectionTimeout: 3_000, requestTimeout: 60_000, throwOnRequestTimeout: true };
const attempts = 4;

/** The SDK is loaded here: whoever has no connector on S3 pays nothing for it. `destroy` the client in the end. */
export async function openS3(access: S3Access): Promise<S3> {
  const sdk = await import('./s3-sdk.ts');
  return { sdk, client: new sdk.S3Client(await clientConfig(access)) };
}

async function clientConfig(access: S3Access): Promise<S3ClientConfig> {
  const { region, endpoint } = access;
  const elsewhere = endpoint ?? process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL ?? null;
  const credentials = await credentialsOf(access);
  return {
    ...(region === null ? {} : { region }),
    ...(endpoint === null ? {} : { endpoint }),
    ...(credentials === null ? {} : { credentials }),
    forcePathStyle: access.pathStyle ?? elsewhere !== null,
    // Parts bear their MD5, which every store that speaks this protocol knows; many do not know the newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: attempts,
    requestHandler: timeouts,
  };
}

type Credentials = NonNullable<S3ClientConfig['credentials']>;

async function credentialsOf({ credentials, role, region }: S3Access): Promise<Credentials | null> {
  const own =
    credentials === null
      ? null
      : { accessKeyId: credentials.accessKeyId, secretAccessKey: credentials.secretAccessKey.reveal() };
  if (role === null) return own;
  return assumedRole(role, {
    ...(region === null ? {} : { region }),
    ...(role.stsEndpoint === null ? {} : { endpoint: role.stsEndpoint }),
    ...(own === null ? {} : { credentials: own }),
    requestHandler: timeouts,
  });
}

interface SdkError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $retryable?: unknown;
}

/** HTTP status of what the SDK threw; null: it was no answer at all. */
export const statusOf = (error: unknown): number | null =>
  error instanceof Error ? ((error as SdkError).$metadata?.httpStatusCode ?? null) : null;

/** There is no such object, upload or bucket. */
export const isNotFound = (error: unknown): boolean => statusOf(error) === 404;

/** A condition (`If-Match`, `If-None-Match`) did not hold. */
export const isConditionFailed = (error: unknown): boolean => statusOf(error) === 412;

/** What a bucket answers that is not there, or not for whom asks: until somebody changes that, it is so for each request. */
const misplaced: Readonly<Record<string, string>> = {
  AccessDenied: 'allow the task function (or the role it takes) this on the bucket and below the prefix',
  AllAccessDisabled: 'it is closed by its owner; name another',
  AuthorizationHeaderMalformed: 'it is in another region; name that',
  InvalidAccessKeyId: 'there are no such credentials; mend the access key',
  InvalidBucketName: 'no bucket can have this name; mend it',
  NoSuchBucket: 'there is none of this name; make it, or name another',
  PermanentRedirect: 'it is in another region; name that',
  SignatureDoesNotMatch: 'the secret key is not that of the access key; mend it',
};

/** The same as `explainS3` for whoever has one bucket to work with; what is wrong with that is a ConfigError, and named. */
export function explainBucket(error: unknown, what: string, bucket: string): ConnectError {
  const name = error instanceof Error ? error.name : '';
  const mend = misplaced[name];
  const text = `${what} in bucket ${bucket}`;
  if (error instanceof ConnectError || mend === undefined) return explainS3(error, text);
  return new ConfigError(`${text} failed: ${name}: ${mend}`, { cause: error });
}

const passing = new Set([408, 409, 429]);
/** Codes that pass though S3 answers them as if the request were wrong: 400, or 403. */
const passingCodes = new Set([
  'ExpiredToken',
  'InternalError',
  'KMS.ThrottlingException',
  'KMSThrottlingException',
  'RequestTimeout',
  'SlowDown',
  'TokenRefreshRequired',
]);

/**
 * What the SDK threw, in words that name the object and say what to do. RetriableError for what may pass: no answer,
 * throttling, the store's own trouble.
 */
export function explainS3(error: unknown, what: string): ConnectError {
  if (error instanceof ConnectError) return error;
  const status = statusOf(error);
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const text = `${what} failed: ${name === 'Error' ? '' : `${name}: `}${message}`;
  if (passingCodes.has(name)) return new RetriableError(text, { cause: error });
  if (status === 403) {
    return new ConnectError(
      's3.forbidden',
      `${text}. Allow the task function (or the role it takes) this on the bucket`,
      {
        cause: error,
      },
    );
  }
  if (status === 301 || status === 400 || status === 404) return new ConnectError('s3.refused', text, { cause: error });
  if (status === null || status >= 500 || passing.has(status)) return new RetriableError(text, { cause: error });
  return new ConnectError('s3.refused', text, { cause: error });
}
