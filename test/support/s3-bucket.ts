import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { dynamoDbEndpoint } from './services.ts';

export interface SeenObject {
  readonly key: string;
  readonly bytes: Buffer;
}

/** A bucket of the emulator, of a test's own. */
export interface TestBucket {
  readonly name: string;
  readonly endpoint: string;
  /** By key. */
  keys(prefix?: string): Promise<string[]>;
  read(key: string): Promise<Buffer>;
  /** All below a prefix, by key. */
  objects(prefix?: string): Promise<SeenObject[]>;
  put(key: string, body: Uint8Array | string): Promise<void>;
  remove(key: string): Promise<void>;
  /** Uploads that are not finished. */
  uploads(): Promise<{ readonly key: string; readonly uploadId: string }[]>;
  abort(key: string, uploadId: string): Promise<void>;
}

let made = 0;

export async function newBucket(): Promise<TestBucket> {
  const endpoint = dynamoDbEndpoint();
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new S3Client({ endpoint, forcePathStyle: true, region: 'eu-central-1', credentials });
  const Bucket = `test-${process.pid}-${Date.now()}-${made++}`;
  await client.send(new CreateBucketCommand({ Bucket }));
  const keys = async (Prefix = '') => {
    const found: string[] = [];
    for (let token: string | undefined, more = true; more; ) {
      const page = { Bucket, Prefix, ...(token === undefined ? {} : { ContinuationToken: token }) };
      const { Contents = [], NextContinuationToken } = await client.send(new ListObjectsV2Command(page));
      found.push(...Contents.map(({ Key }) => Key!));
      token = NextContinuationToken;
      more = token !== undefined;
    }
    return found.sort();
  };
  const read = async (Key: string) => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    return Buffer.from(await Body!.transformToByteArray());
  };
  return {
    name: Bucket,
    endpoint,
    keys,
    read,
    objects: async (prefix) => Promise.all((await keys(prefix)).map(async (key) => ({ key, bytes: await read(key) }))),
    async put(Key, Body) {
      await client.send(new PutObjectCommand({ Bucket, Key, Body }));
    },
    async remove(Key) {
      await client.send(new DeleteObjectCommand({ Bucket, Key }));
    },
    async uploads() {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
      return Uploads.map(({ Key, UploadId }) => ({ key: Key!, uploadId: UploadId! }));
    },
    async abort(Key, UploadId) {
      await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    },
  };
}
