import { createHash } from 'node:crypto';
import { ConnectError } from '../../src/api/index.ts';
import { explainBucket, isConditionFailed, isNotFound, openS3, type S3, type S3Access, statusOf } from './s3-client.ts';
import type { Storing } from './sink-plan.ts';

/** One object that is made of uploaded parts, and what tells that a later run, or this one again, has made it. */
export interface Assembly {
  readonly key: string;
  /** This file's own, in the object's metadata. */
  readonly id: string;
  readonly uploadId: string;
  readonly etags: readonly string[];
  readonly bytes: number;
  /** What its first record is, in the object's metadata too. */
  readonly origin: string;
}

/**
 * What became of an assembly. `lost`: there is neither the object nor what it was to be made of. `spoilt`: its parts are not
 * what they were.
 */
export type Assembled = 'made' | 'there' | 'kept-longer' | 'lost' | 'spoilt';

export interface PendingUpload {
  readonly key: string;
  readonly uploadId: string;
  readonly initiatedAt: number;
}

const idKey = 'drover-file';
const originKey = 'drover-origin';
/** Requests at a time, of one task. */
const mostRequests = 12;

const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('base64');
const invalidPart = /^(?:InvalidPart|InvalidPartOrder|EntityTooSmall)$/;

/** The requests that a sink makes of its bucket. All throw a ConnectError that names the object. */
export class SinkBucket {
  readonly name: string;
  readonly #access: S3Access;
  readonly #storing: Storing;
  #s3: Promise<S3> | null = null;
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  /** A store that does not know conditions on multipart uploads. */
  #conditional = true;

  constructor(name: string, access: S3Access, storing: Storing) {
    this.name = name;
    this.#access = access;
    this.#storing = storing;
  }

  async #ask<T>(what: string, ask: (s3: S3) => Promise<T>): Promise<T> {
    try {
      return await this.#plainly(ask);
    } catch (error) {
      throw explainBucket(error, what, this.name);
    }
  }

  async #plainly<T>(ask: (s3: S3) => Promise<T>): Promise<T> {
    if (this.#running >= mostRequests) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
    try {
      this.#s3 ??= openS3(this.#access);
      return await ask(await this.#s3);
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  async close(): Promise<void> {
    const s3 = await this.#s3?.catch(() => null);
    s3?.client.destroy();
  }

  get #encryption() {
    const { encryption, kmsKeyId } = this.#storing;
    return {
      ...(encryption === null ? {} : { ServerSideEncryption: encryption as 'AES256' }),
      ...(kmsKeyId === null ? {} : { SSEKMSKeyId: kmsKeyId }),
    };
  }

  get #asStored() {
    const { acl, tags } = this.#storing;
    const own = tags?.own ?? [];
    return {
      ...this.#encryption,
      ...(acl === null ? {} : { ACL: acl as 'private' }),
      ...(own.length === 0 ? {} : { Tagging: new URLSearchParams(Object.fromEntries(own)).toString() }),
    };
  }

  async begin(key: string, id: string, origin: string): Promise<string> {
    const { UploadId } = await this.#ask(`The upload of ${key}`, ({ client, sdk }) =>
      client.send(
        new sdk.CreateMultipartUploadCommand({
          Bucket: this.name,
          Key: key,
          Metadata: { [idKey]: id, [originKey]: origin },
          ...this.#asStored,
        }),
      ),
    );
    if (UploadId === undefined) throw new ConnectError('s3.refused', `The upload of ${key} got no id`);
    return UploadId;
  }

  /** Null: the upload is not there any more. */
  async part(key: string, uploadId: string, number: number, body: Uint8Array): Promise<string | null> {
    try {
      const { ETag } = await this.#plainly(({ client, sdk }) =>
        client.send(
          new sdk.UploadPartCommand({
            Bucket: this.name,
            Key: key,
            UploadId: uploadId,
            PartNumber: number,
            Body: body,
            ContentMD5: md5(body),
          }),
        ),
      );
      return ETag ?? '';
    } catch (error) {
      if (isNotFound(error) && (error as Error).name === 'NoSuchUpload') return null;
      throw explainBucket(error, `The upload of part ${number} of ${key}`, this.name);
    }
  }

  /**
   * Makes the object, once: a repetition finds it made. One that is there already is written over, unless it begins with
   * the same record and is longer: then that one holds what this one does, and stays. A longer one of other records is
   * nothing that a sink may take away.
   */
  async assemble(assembly: Assembly): Promise<Assembled> {
    const { key, id } = assembly;
    let condition: { IfNoneMatch?: string; IfMatch?: string } = { IfNoneMatch: '*' };
    if (!this.#conditional) {
      const there = await this.#head(key);
      if (there !== null && this.#judge(assembly, there) !== 'over') return this.#settled(assembly, there);
      condition = {};
    }
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#complete(assembly, condition);
        return 'made';
      } catch (error) {
        const status = statusOf(error);
        const { name } = error as Error;
        if (status === 501 || (status === 400 && /header/i.test((error as Error).message) && this.#conditional)) {
          this.#conditional = false;
          return this.assemble(assembly);
        }
        if (isNotFound(error) && name === 'NoSuchUpload') return (await this.#head(key))?.id === id ? 'there' : 'lost';
        if (invalidPart.test(name)) return 'spoilt';
        if (!isConditionFailed(error) || attempt > 3) throw explainBucket(error, `Finishing ${key}`, this.name);
        const there = await this.#head(key);
        if (there === null) condition = { IfNoneMatch: '*' };
        else if (this.#judge(assembly, there) === 'over') condition = { IfMatch: there.etag };
        else return this.#settled(assembly, there);
      }
    }
  }

  #judge(assembly: Assembly, there: Found): 'over' | 'there' | 'kept-longer' | 'foreign' {
    if (there.id === assembly.id) return 'there';
    if (there.bytes <= assembly.bytes) return 'over';
    return there.origin === null || there.origin === assembly.origin ? 'kept-longer' : 'foreign';
  }

  async #settled(assembly: Assembly, there: Found): Promise<Assembled> {
    const verdict = this.#judge(assembly, there);
    if (verdict === 'foreign') {
      throw new ConnectError(
        's3.file_exists',
        `${assembly.key} in bucket ${this.name} is there already, with other records (${there.origin}) and ${there.bytes} bytes, where ${assembly.bytes} are to be written: move it away, or give this connector another prefix`,
      );
    }
    await this.abort(assembly.key, assembly.uploadId);
    return verdict === 'there' ? 'there' : 'kept-longer';
  }

  #complete({ key, uploadId, etags }: Assembly, condition: object): Promise<unknown> {
    return this.#plainly(({ client, sdk }) =>
      client.send(
        new sdk.CompleteMultipartUploadCommand({
          Bucket: this.name,
          Key: key,
          UploadId: uploadId,
          MultipartUpload: { Parts: etags.map((ETag, at) => ({ ETag, PartNumber: at + 1 })) },
          ...condition,
        }),
      ),
    );
  }

  async #head(key: string): Promise<Found | null> {
    try {
      const { ContentLength, ETag, Metadata } = await this.#plainly(({ client, sdk }) =>
        client.send(new sdk.HeadObjectCommand({ Bucket: this.name, Key: key })),
      );
      return {
        bytes: ContentLength ?? 0,
        etag: ETag ?? '',
        id: Metadata?.[idKey] ?? null,
        origin: Metadata?.[originKey] ?? null,
      };
    } catch (error) {
      if (isNotFound(error)) return null;
      throw explainBucket(error, `A look at ${key}`, this.name);
    }
  }

  /** Whatever becomes of it: what is left over is swept later. */
  async abort(key: string, uploadId: string): Promise<void> {
    await this.#plainly(({ client, sdk }) =>
      client.send(new sdk.AbortMultipartUploadCommand({ Bucket: this.name, Key: key, UploadId: uploadId })),
    ).catch(() => {});
  }

  async tag(key: string, tags: readonly (readonly [string, string])[]): Promise<void> {
    const TagSet = tags.map(([Key, Value]) => ({ Key, Value }));
    await this.#ask(`Tagging ${key}`, ({ client, sdk }) =>
      client.send(new sdk.PutObjectTaggingCommand({ Bucket: this.name, Key: key, Tagging: { TagSet } })),
    );
  }

  /** A whole object at once. `asFile`: with all that files get. */
  async put(key: string, body: Uint8Array, asFile: boolean): Promise<void> {
    await this.#ask(`Writing ${key}`, ({ client, sdk }) =>
      client.send(
        new sdk.PutObjectCommand({
          Bucket: this.name,
          Key: key,
          Body: body,
          ContentMD5: md5(body),
          ...(asFile ? this.#asStored : this.#encryption),
        }),
      ),
    );
  }

  /** Null: it is not there. */
  async get(key: string, start: number, length: number): Promise<Buffer | null> {
    if (length === 0) return Buffer.alloc(0);
    try {
      const { Body } = await this.#plainly(({ client, sdk }) =>
        client.send(
          new sdk.GetObjectCommand({ Bucket: this.name, Key: key, Range: `bytes=${start}-${start + length - 1}` }),
        ),
      );
      const bytes = await Body!.transformToByteArray();
      return bytes.length === length ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) : null;
    } catch (error) {
      if (isNotFound(error) || statusOf(error) === 416) return null;
      throw explainBucket(error, `Reading ${key}`, this.name);
    }
  }

  /** Whatever becomes of it: what is left over expires. */
  async remove(key: string): Promise<void> {
    await this.#plainly(({ client, sdk }) =>
      client.send(new sdk.DeleteObjectCommand({ Bucket: this.name, Key: key })),
    ).catch(() => {});
  }

  async uploads(prefix: string): Promise<PendingUpload[]> {
    const found: PendingUpload[] = [];
    let from: { KeyMarker?: string; UploadIdMarker?: string } | null = {};
    while (from !== null) {
      const page: { KeyMarker?: string; UploadIdMarker?: string } = from;
      const answer = await this.#ask(`Listing uploads below ${prefix}`, ({ client, sdk }) =>
        client.send(new sdk.ListMultipartUploadsCommand({ Bucket: this.name, Prefix: prefix, ...page })),
      );
      for (const { Key, UploadId, Initiated } of answer.Uploads ?? []) {
        if (Key === undefined || UploadId === undefined || Initiated === undefined) continue;
        found.push({ key: Key, uploadId: UploadId, initiatedAt: Initiated.getTime() });
      }
      from =
        answer.IsTruncated === true && answer.NextKeyMarker !== undefined
          ? {
              KeyMarker: answer.NextKeyMarker,
              ...(answer.NextUploadIdMarker === undefined ? {} : { UploadIdMarker: answer.NextUploadIdMarker }),
            }
          : null;
    }
    return found;
  }
}

interface Found {
  readonly bytes: number;
  readonly etag: string;
  readonly id: string | null;
  readonly origin: string | null;
}
