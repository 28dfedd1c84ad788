import { explainS3, isNotFound, type S3, statusOf } from './s3-client.ts';
import type { S3Object } from './source-lane.ts';

export interface Clearing {
  readonly bucket: string;
  /** Null: objects are deleted. Else what takes the place of `prefix`. */
  readonly target: string | null;
  readonly prefix: string;
}

const atOnce = 8;

/** Clears objects away, each only if it is still what was read. Answers what went wrong, for the log. */
export async function clearAway(s3: S3, clearing: Clearing, objects: readonly S3Object[], until: number) {
  const problems: string[] = [];
  let next = 0;
  const worker = async () => {
    while (next < objects.length && Date.now() < until) {
      const object = objects[next++]!;
      try {
        await clear(s3, clearing, object);
      } catch (error) {
        problems.push(explainS3(error, `Clearing away object ${object.key} of ${clearing.bucket}`).message);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, objects.length) }, worker));
  return problems;
}

async function clear({ client, sdk }: S3, { bucket, prefix, target }: Clearing, object: S3Object): Promise<void> {
  const { key, etag } = object;
  try {
    const head = await client.send(new sdk.HeadObjectCommand({ Bucket: bucket, Key: key }));
    // Another by now, which is to be read.
    if (head.ETag !== `"${etag}"`) return;
    if (target !== null) {
      await client.send(
        new sdk.CopyObjectCommand({
          Bucket: bucket,
          Key: target + key.slice(prefix.length),
          CopySource: `${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`,
          CopySourceIfMatch: `"${etag}"`,
        }),
      );
    }
    await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: key, IfMatch: `"${etag}"` }));
  } catch (error) {
    if (isNotFound(error) || statusOf(error) === 412) return;
    throw error;
  }
}
