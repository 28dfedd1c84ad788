import { explainS3, type S3, statusOf } from './s3-client.ts';
import type { Lane, S3Object } from './source-lane.ts';

export interface ListingScope {
  readonly bucket: string;
  readonly prefix: string;
  readonly startAfter: string | null;
  readonly pageSize: number;
  /** Milliseconds. */
  readonly lateMs: number;
  /** The lane of an object, by its partition or by a hash; null: the object is none of ours. */
  laneOf(key: string): number | null;
  /** Of this task, by number. */
  readonly lanes: ReadonlyMap<number, Lane>;
}

export interface Sweep {
  /** Not read yet, the oldest first. */
  readonly objects: readonly S3Object[];
  /** Epoch seconds; of what was modified earlier there is no more than these. */
  readonly horizon: number;
  /** There are more than were taken: list again when these are read. */
  readonly partial: boolean;
  /** Read to their end in an earlier run, which did not come to clear them away. */
  readonly leftovers: readonly S3Object[];
}

/** So many objects are held at once. */
const mostObjects = 10_000;
/** Clocks of the store may differ. */
const skewSeconds = 60;

/** Looks through the whole bucket for objects that are not done. */
export async function sweep(s3: S3, scope: ListingScope, now: number, signal: AbortSignal): Promise<Sweep> {
  const uploadsSince = await oldestUpload(s3, scope, signal);
  const found: S3Object[] = [];
  const leftovers: S3Object[] = [];
  let cut = Number.POSITIVE_INFINITY;
  let token: string | undefined;
  do {
    const page = await listPage(s3, scope, token, signal);
    for (const { Key: key, ETag: etag, Size: size, LastModified: at } of page.Contents ?? []) {
      if (key === undefined || etag === undefined || at === undefined || !size) continue;
      const lane = scope.laneOf(key);
      if (lane === null) continue;
      const state = scope.lanes.get(lane);
      const object = { key, etag: etag.replaceAll('"', ''), size, modified: Math.floor(at.getTime() / 1000), lane };
      if (state === undefined) continue;
      if (state.isRead(object) && leftovers.length < mostObjects) leftovers.push(object);
      if (object.modified >= cut || state.isDone(object)) continue;
      if (state.current !== null && isSame(state.current.object, object)) continue;
      found.push(object);
    }
    if (found.length >= 2 * mostObjects) cut = Math.min(cut, keepOldest(found));
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
  if (found.length > mostObjects) cut = Math.min(cut, keepOldest(found));
  found.sort(byAge);
  const settled = Math.floor((now - scope.lateMs) / 1000) - skewSeconds;
  const horizon = Math.min(settled, uploadsSince ?? settled, cut);
  return { objects: found, horizon: Math.max(0, horizon), partial: cut < Number.POSITIVE_INFINITY, leftovers };
}

const isSame = (one: S3Object, other: S3Object) => one.key === other.key && one.etag === other.etag;
const byAge = (one: S3Object, other: S3Object) =>
  one.modified - other.modified || (one.key < other.key ? -1 : one.key > other.key ? 1 : 0);

/** Leaves the oldest, whole seconds of them; answers the second from which on nothing is held. */
function keepOldest(objects: S3Object[]): number {
  objects.sort(byAge);
  const cut = objects[mostObjects]!.modified;
  let keep = mostObjects;
  while (keep > 0 && objects[keep - 1]!.modified === cut) keep--;
  // All of one second: more than planned are held, but none is lost.
  if (keep === 0) {
    keep = objects.findIndex(({ modified }) => modified !== cut);
    if (keep < 0) return cut + 1;
    objects.length = keep;
    return cut + 1;
  }
  objects.length = keep;
  return cut;
}

async function listPage({ client, sdk }: S3, scope: ListingScope, token: string | undefined, signal: AbortSignal) {
  const { bucket, prefix, startAfter, pageSize } = scope;
  try {
    return await client.send(
      new sdk.ListObjectsV2Command({
        Bucket: bucket,
        MaxKeys: pageSize,
        ...(prefix === '' ? {} : { Prefix: prefix }),
        ...(startAfter === null ? {} : { StartAfter: startAfter }),
        ...(token === undefined ? {} : { ContinuationToken: token }),
      }),
      { abortSignal: signal },
    );
  } catch (error) {
    throw explainS3(error, `Listing ${prefix === '' ? 'the objects' : `the objects under ${prefix}`} of ${bucket}`);
  }
}

/**
 * Epoch seconds of the beginning of the oldest upload in parts that is under way: it is its object's time of modification,
 * however late that appears. Null: there is none, or nobody may say.
 */
async function oldestUpload({ client, sdk }: S3, { bucket, prefix }: ListingScope, signal: AbortSignal) {
  try {
    const { Uploads: uploads, IsTruncated: isPart } = await client.send(
      new sdk.ListMultipartUploadsCommand({ Bucket: bucket, ...(prefix === '' ? {} : { Prefix: prefix }) }),
      { abortSignal: signal },
    );
    if (isPart === true) return 0;
    const begun = (uploads ?? []).flatMap(({ Initiated: at }) => (at === undefined ? [] : [at.getTime()]));
    return begun.length === 0 ? null : Math.floor(Math.min(...begun) / 1000) - skewSeconds;
  } catch (error) {
    // Without the permission, or on a store that does not know uploads, objects.late.ms is all there is.
    const status = statusOf(error);
    if (status === 403 || status === 501 || status === 405) return null;
    throw explainS3(error, `Listing the uploads of ${bucket}`);
  }
}
