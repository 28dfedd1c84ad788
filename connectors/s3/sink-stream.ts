import { createHash } from 'node:crypto';
import { ConnectError, type SinkRecord } from '../../src/api/index.ts';
import type { RecordWriter, TakeReason, WriterFactory, WriterSpec } from './formats/record-writer.ts';
import type { Assembly, SinkBucket } from './sink-bucket.ts';
import type { StoredBytes, StreamState } from './sink-state.ts';

/** S3 takes parts of a smaller size only at the end. */
const smallestPartBytes = 5 << 20;
/** From so many parts on they get larger, as an upload may have 10,000. */
const partsOfOneSize = 1000;
const mostPieces = 50;

/** What a file is made of is not there any more: its records have to be read again. */
export class LostFileError extends ConnectError {
  override readonly name = 'LostFileError';
  constructor(key: string, what: string) {
    super('s3.file_lost', `${what} of ${key} is not there any more`, { retriable: true });
  }
}

/**
 * One object in the making: a writer, parts that are uploaded, bytes that wait in objects of the sink's own (`stored`), and
 * bytes in memory behind them. One request at a time.
 */
export class ObjectStream {
  readonly key: string;
  readonly id: string;
  readonly spec: WriterSpec;
  readonly #bucket: SinkBucket;
  readonly #partBytes: number;
  readonly #factory: WriterFactory;
  readonly #origin: string;
  #writer: RecordWriter | null = null;
  #uploadId: string | null = null;
  #parts: (readonly [string, number])[] = [];
  #stored: StoredBytes[] = [];
  #saved: StoredBytes | null = null;
  #tail: Uint8Array[] = [];
  #tailBytes = 0;
  #uploading: Promise<void> | null = null;
  #uploadingBytes = 0;
  #resumedRecords: number | null = null;
  #ended = false;
  /** A commit may have its upload in it: nobody but the bucket's rule ends it then. */
  told = false;

  constructor(
    bucket: SinkBucket,
    partBytes: number,
    factory: WriterFactory,
    origin: string,
    given: { readonly key: string; readonly id: string; readonly writer: WriterSpec },
  ) {
    this.#bucket = bucket;
    this.#partBytes = Math.max(smallestPartBytes, partBytes);
    this.#factory = factory;
    this.#origin = origin;
    this.key = given.key;
    this.id = given.id;
    this.spec = given.writer;
  }

  /** As another run has left it, after so many records. */
  resume(state: StreamState, records: number): this {
    this.#uploadId = state.uploadId;
    this.#parts = [...state.parts];
    this.#stored = [...state.stored];
    this.#saved = state.saved;
    this.#resumedRecords = records;
    this.told = true;
    return this;
  }

  /** Before `add` and `finish`: a promise where something must be read first. */
  ready(): Promise<void> | null {
    return this.#writer === null ? this.#openWriter() : null;
  }

  async #openWriter(): Promise<void> {
    const records = this.#resumedRecords;
    const bytes = this.#saved === null ? null : await this.#read(this.#saved);
    this.#writer ??= this.#factory.open({
      spec: this.spec,
      mark: createHash('md5').update(this.key).digest(),
      resumed: records === null ? null : { records, bytes },
    });
    this.#saved = null;
  }

  async #read([object, start, length]: StoredBytes): Promise<Buffer> {
    const bytes = await this.#bucket.get(object, start, length);
    if (bytes === null) throw new LostFileError(this.key, `${object}, a piece`);
    return bytes;
  }

  add(record: SinkRecord): void {
    this.#writer!.add(record);
  }

  /** Bytes in memory, roughly. */
  get held(): number {
    return (this.#writer?.held ?? 0) + this.#tailBytes + this.#uploadingBytes;
  }

  /** Bytes of the object so far, without what the writer holds. */
  get bytes(): number {
    const written = this.#parts.reduce((sum, [, size]) => sum + size, 0);
    return written + this.#uploadingBytes + this.#storedBytes + this.#tailBytes;
  }

  get #storedBytes(): number {
    return this.#stored.reduce((sum, [, , length]) => sum + length, 0);
  }

  get uploadId(): string | null {
    return this.#uploadId;
  }

  /** Takes what the writer has ready, and begins to upload it when it is enough for a part. */
  drain(reason: TakeReason): void {
    if (this.#writer === null) return;
    for (const piece of this.#writer.take(reason)) {
      if (piece.length === 0) continue;
      this.#tail.push(piece);
      this.#tailBytes += piece.length;
    }
    if (this.#uploading === null && this.#tailBytes + this.#storedBytes >= this.#nextPartBytes) this.#startPart();
  }

  get #nextPartBytes(): number {
    return this.#partBytes * (1 + Math.floor(this.#parts.length / partsOfOneSize));
  }

  #startPart(): void {
    const uploading = this.#uploadPart().finally(() => {
      if (this.#uploading === uploading) this.#uploading = null;
    });
    this.#uploading = uploading;
    // Whoever waits for it is told.
    uploading.catch(() => {});
  }

  async #uploadPart(): Promise<void> {
    const stored = this.#stored;
    const tail = this.#tail;
    const tailBytes = this.#tailBytes;
    this.#stored = [];
    this.#tail = [];
    this.#tailBytes = 0;
    this.#uploadingBytes = tailBytes;
    try {
      const before = await Promise.all(stored.map((piece) => this.#read(piece)));
      const body = Buffer.concat([...before, ...tail]);
      this.#uploadingBytes = body.length;
      this.#uploadId ??= await this.#bucket.begin(this.key, this.id, this.#origin);
      const etag = await this.#bucket.part(this.key, this.#uploadId, this.#parts.length + 1, body);
      if (etag === null) throw new LostFileError(this.key, 'The upload');
      this.#parts.push([etag, body.length]);
    } catch (error) {
      // Nothing is lost by it: a later try finds all as it was.
      this.#stored = [...stored, ...this.#stored];
      this.#tail = [...tail, ...this.#tail];
      this.#tailBytes += tailBytes;
      throw error;
    } finally {
      this.#uploadingBytes = 0;
    }
  }

  /** Waits for the upload that is under way, if there is one; throws what it failed with. */
  async settle(): Promise<void> {
    await this.#uploading;
  }

  get isUploading(): boolean {
    return this.#uploading !== null;
  }

  /** Uploads the rest; may be repeated. The object is made by whoever has committed this. */
  async finish(): Promise<Assembly> {
    await this.ready();
    await this.settle().catch(() => {});
    if (!this.#ended) {
      this.#ended = true;
      for (const piece of this.#writer!.finish()) {
        this.#tail.push(piece);
        this.#tailBytes += piece.length;
      }
    }
    if (this.#tailBytes + this.#storedBytes > 0 || this.#parts.length === 0) await this.#uploadPart();
    return {
      key: this.key,
      id: this.id,
      uploadId: this.#uploadId!,
      etags: this.#parts.map(([etag]) => etag),
      bytes: this.bytes,
      origin: this.#origin,
    };
  }

  /**
   * What memory holds is given away, to be stored: the bytes behind those that are stored already, and what the writer
   * cannot part with. `stored` tells where they lie then.
   */
  async leave(): Promise<{ readonly tail: Uint8Array; readonly saved: Uint8Array | null }> {
    this.drain('left');
    await this.settle();
    if (this.#stored.length >= mostPieces) await this.#gather();
    return { tail: Buffer.concat(this.#tail), saved: this.#writer?.save() ?? null };
  }

  /** Many small pieces become one again. */
  async #gather(): Promise<void> {
    const before = await Promise.all(this.#stored.map((piece) => this.#read(piece)));
    this.#tail = [...before, ...this.#tail];
    this.#tailBytes += this.#storedBytes;
    this.#stored = [];
  }

  /** Objects that hold what it still needs. */
  get objects(): string[] {
    return this.#stored.map(([object]) => object);
  }

  /** After `leave`, with nothing added since. */
  stored(tail: StoredBytes | null, saved: StoredBytes | null): StreamState {
    if (tail !== null) this.#stored.push(tail);
    this.#tail = [];
    this.#tailBytes = 0;
    this.told = true;
    return {
      key: this.key,
      id: this.id,
      writer: this.spec,
      uploadId: this.#uploadId,
      parts: [...this.#parts],
      stored: [...this.#stored],
      saved: this.#writer === null ? this.#saved : saved,
    };
  }

  /** The bytes in memory go where `store` says; the writer stays. */
  async spill(store: (bytes: Uint8Array) => StoredBytes | null): Promise<void> {
    this.drain('short');
    await this.settle();
    const at = store(Buffer.concat(this.#tail));
    if (at !== null) this.#stored.push(at);
    this.#tail = [];
    this.#tailBytes = 0;
  }

  async abandon(): Promise<void> {
    await this.settle().catch(() => {});
    if (this.#uploadId !== null) await this.#bucket.abort(this.key, this.#uploadId);
  }
}
