import { ConnectError } from '../../src/api/index.ts';
import type { ByteSource } from './formats/read.ts';
import { explainS3, type S3, statusOf } from './s3-client.ts';
import type { S3Object } from './source-lane.ts';

/** So many bytes are asked for at once; the next part is on its way while one is read. */
const partBytes = 4 << 20;
const attempts = 3;

export type Loss = 'gone' | 'changed' | 'archived' | 'forbidden';

/** The object cannot be had, today or ever. */
export class ObjectLostError extends ConnectError {
  override readonly name: string = 'ObjectLostError';
  readonly loss: Loss;
  constructor(loss: Loss, message: string, cause: unknown) {
    super(`s3.object_${loss}`, message, { cause });
    this.loss = loss;
  }
}

/** One state of an object, read by ranges, so that nothing waits on an open connection and any place can be begun at. */
export class ObjectBytes implements ByteSource {
  readonly #s3: S3;
  readonly #bucket: string;
  readonly #object: S3Object;
  readonly #signal: AbortSignal;
  readonly size: number;
  /** Of the state that is read, once the first bytes are there; null: the bucket keeps none. */
  version: string | null;
  #first: Promise<Buffer> | null = null;
  /** Of an object that is no longer than a part. */
  #whole: Promise<Buffer> | null = null;

  constructor(s3: S3, bucket: string, object: S3Object, version: string | null, signal: AbortSignal) {
    this.#s3 = s3;
    this.#bucket = bucket;
    this.#object = object;
    this.#signal = signal;
    this.size = object.size;
    this.version = version;
  }

  /** Asks for the beginning before anybody reads it. */
  prefetch(): void {
    this.#first = this.#read(0, Math.min(partBytes, this.size), null);
    // Whoever reads it is told.
    this.#first.catch(() => {});
  }

  async *chunks(from: number, reused = false): AsyncGenerator<Buffer, void, undefined> {
    /** Memory of the part before: one is read while the other is filled. */
    let spare: ArrayBufferLike | null = null;
    const ask = (at: number) => {
      const into = spare;
      spare = null;
      return this.#part(at, into);
    };
    let next = from >= this.size ? null : ask(from);
    for (let at = from; next !== null; ) {
      const part: Buffer = await next;
      at += part.length;
      next = at >= this.size ? null : ask(at);
      // Whoever comes back for it is told; nobody has to.
      next?.catch(() => {});
      yield part;
      if (reused) spare = part.buffer;
    }
  }

  #part(at: number, into: ArrayBufferLike | null): Promise<Buffer> {
    const first = this.#first;
    this.#first = null;
    if (first !== null && at === 0) return first;
    return this.#read(at, Math.min(at + partBytes, this.size), into);
  }

  /** Of a small object all is asked for at once: what is at its end, and here and there in it, would be a request each. */
  async slice(start: number, end: number): Promise<Buffer> {
    if (this.size > partBytes) return this.#read(start, end, null);
    this.#whole ??= this.#part(0, null);
    try {
      return (await this.#whole).subarray(start, end);
    } catch (error) {
      this.#whole = null;
      throw error;
    }
  }

  async #read(start: number, end: number, into: ArrayBufferLike | null): Promise<Buffer> {
    if (end <= start) return Buffer.alloc(0);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#get(start, end, into);
      } catch (error) {
        const explained = this.#explain(error);
        if (!explained.retriable || attempt === attempts || this.#signal.aborted) throw explained;
      }
    }
  }

  async #get(start: number, end: number, into: ArrayBufferLike | null): Promise<Buffer> {
    const { client, sdk } = this.#s3;
    const { key, etag } = this.#object;
    const answer = await client.send(
      new sdk.GetObjectCommand({
        Bucket: this.#bucket,
        Key: key,
        Range: `bytes=${start}-${end - 1}`,
        IfMatch: `"${etag}"`,
        ...(this.version === null ? {} : { VersionId: this.version }),
      }),
      { abortSignal: this.#signal },
    );
    // Into memory of its own: the client's way holds everything twice.
    const length = end - start;
    const bytes =
      into !== null && into.byteLength >= length ? Buffer.from(into, 0, length) : Buffer.allocUnsafeSlow(length);
    let at = 0;
    for await (const piece of answer.Body as AsyncIterable<Uint8Array>) {
      if (at + piece.length <= bytes.length) bytes.set(piece, at);
      at += piece.length;
    }
    this.version ??= answer.VersionId === 'null' ? null : (answer.VersionId ?? null);
    if (at === bytes.length) return bytes;
    throw new ObjectLostError(
      'changed',
      `${this.#what}: it has not the ${this.size} bytes that the listing says`,
      null,
    );
  }

  get #what(): string {
    return `Object ${this.#object.key} of ${this.#bucket} cannot be read`;
  }

  #explain(error: unknown): ConnectError {
    if (error instanceof ConnectError) return error;
    const name = error instanceof Error ? error.name : '';
    switch (statusOf(error)) {
      case 404:
        if (name !== 'NoSuchBucket') return new ObjectLostError('gone', `${this.#what}: it is gone`, error);
        break;
      case 412:
      case 416:
        return new ObjectLostError('changed', `${this.#what} to its end: another was written under its key`, error);
      case 400:
        // Encrypted with a key of whoever wrote it, or of KMS: off, or gone.
        if (name === 'InvalidRequest' || (name.startsWith('KMS.') && name !== 'KMS.ThrottlingException')) {
          return new ObjectLostError(
            'forbidden',
            `${this.#what}: it is encrypted with a key that cannot be used here (${name}: ${(error as Error).message})`,
            error,
          );
        }
        break;
      case 403:
        if (name === 'ExpiredToken') break;
        if (name === 'InvalidObjectState') {
          return new ObjectLostError('archived', `${this.#what}: it is archived (Glacier). Restore it first`, error);
        }
        return new ObjectLostError(
          'forbidden',
          `${this.#what}: access is denied. Allow s3:GetObject, and kms:Decrypt where it is encrypted with a key of KMS`,
          error,
        );
    }
    return explainS3(error, `Reading object ${this.#object.key} of ${this.#bucket}`);
  }
}
