import type { FileHandle } from 'node:fs/promises';
import {
  anyFile,
  ConfigError,
  type ConfigProblem,
  ConnectError,
  type ConnectorConfig,
  type ConnectorContext,
  type FileAccess,
  isRetriable,
  parseConfig,
  type SourceConnector,
  type SourceOffset,
  type SourcePartition,
  SourceRecord,
  type SourceTask,
  type SourceTaskContext,
  STRING_SCHEMA,
} from '../../src/api/index.ts';
import { FileLines } from './file-lines.ts';
import { fileProblems } from './file-problems.ts';
import { fileStreamSourceConfig } from './settings.ts';

const filenameField = 'filename';
const positionField = 'position';

export class FileStreamSourceConnector implements SourceConnector {
  readonly #files: FileAccess;
  #config: ConnectorConfig = {};

  constructor(files: FileAccess = anyFile) {
    this.#files = files;
  }

  validate(config: ConnectorConfig): readonly ConfigProblem[] {
    return fileProblems(this.#files, config);
  }

  start(config: ConnectorConfig, _context: ConnectorContext): void {
    parseConfig(fileStreamSourceConfig, config);
    this.#config = config;
  }

  /** One file, one task. */
  taskConfigs(_maxTasks: number): ConnectorConfig[] {
    return [this.#config];
  }

  createTask(): SourceTask {
    return new FileStreamSourceTask(this.#files);
  }

  stop(): void {}

  exactlyOnceSupport(config: ConnectorConfig): 'SUPPORTED' | 'UNSUPPORTED' {
    return hasFile(config) ? 'SUPPORTED' : 'UNSUPPORTED';
  }

  alterOffsets(
    config: ConnectorConfig,
    offsets: readonly { partition: SourcePartition; offset: SourceOffset | null }[],
  ): boolean {
    if (!hasFile(config)) {
      throw new ConnectError(
        'connector.offsets_refused',
        "Offsets cannot be modified if the 'file' configuration is unspecified. " +
          'This is because stdin is used for input and offsets are not tracked.',
      );
    }
    for (const { partition, offset } of offsets) {
      // Tombstones are let through for any partition, so that offsets of a mistaken name can be removed.
      if (offset === null) continue;
      checkOffset(offset);
      if (partition === null || partition === undefined) throw refused('Partition objects cannot be null');
      if (!Object.hasOwn(partition, filenameField)) {
        throw refused("Partition objects should contain the key 'filename'");
      }
    }
    return true;
  }
}

function checkOffset(offset: SourceOffset): void {
  if (!Object.hasOwn(offset, positionField)) {
    throw refused("Offset objects should either be null or contain the key 'position'");
  }
  const position = offset[positionField];
  if (typeof position !== 'bigint' && !Number.isInteger(position)) {
    throw refused("The value for the 'position' key in the offset is expected to be a Long value");
  }
  if ((position as bigint | number) < 0) {
    throw refused("The value for the 'position' key in the offset should be a non-negative value");
  }
}

const refused = (message: string) => new ConnectError('connector.offsets_refused', message);
const hasFile = (config: ConnectorConfig) => (config.file ?? '').trim() !== '';

/**
 * Follows one file: each complete line is a record without key, its offset the byte position behind the line.
 * A file that is not there yet is waited for; what is appended is read by the next poll.
 */
export class FileStreamSourceTask implements SourceTask {
  readonly #files: FileAccess;
  #context!: SourceTaskContext;
  #path = '';
  #topic = '';
  #batchSize = 0;
  #partition: SourcePartition = {};
  #file: FileHandle | null = null;
  #lines: FileLines | null = null;
  /** It has been read, with or without success. */
  #isLookedAt = false;

  constructor(files: FileAccess = anyFile) {
    this.#files = files;
  }

  start(config: ConnectorConfig, context: SourceTaskContext): void {
    const parsed = parseConfig(fileStreamSourceConfig, config);
    if (parsed.file === null || parsed.file === '') {
      throw new ConfigError("The setting 'file' is missing: a function has no standard input to read, name a file", {
        key: 'file',
      });
    }
    this.#context = context;
    this.#path = parsed.file;
    this.#topic = parsed.topic;
    // As Java's, which looks at it after each line.
    this.#batchSize = Math.max(1, parsed['batch.size']);
    this.#partition = Object.freeze({ [filenameField]: this.#path });
  }

  async poll(): Promise<SourceRecord[] | null> {
    this.#lines ??= await this.#open();
    const lines = this.#lines;
    if (lines === null) return null;
    const begun = lines.position;
    const { texts, ends } = await lines.next(this.#batchSize).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'EISDIR' ? unreadable(this.#path, new Error('it is a directory')) : error;
    });
    const isFirst = !this.#isLookedAt;
    this.#isLookedAt = true;
    if (texts.length === 0) {
      if (isFirst) await this.#warnOfTruncation(begun);
      return null;
    }
    const now = Date.now();
    const records = new Array<SourceRecord>(texts.length);
    for (let i = 0; i < texts.length; i++) {
      records[i] = new SourceRecord(
        this.#partition,
        { position: ends[i]! },
        this.#topic,
        null,
        null,
        null,
        STRING_SCHEMA,
        texts[i],
        now,
      );
    }
    return records;
  }

  async #open(): Promise<FileLines | null> {
    const file = await this.#files.open(this.#path, 'r').catch((error: NodeJS.ErrnoException | ConnectError) => {
      if (error instanceof ConnectError) throw error;
      if (error.code === 'ENOENT') return null;
      throw unreadable(this.#path, error);
    });
    if (file === null) {
      this.#context.warn(`File ${this.#path} is not there, waiting for it to be created`);
      return null;
    }
    this.#file = file;
    try {
      const position = positionOf(await this.#context.offsetStorageReader.offset(this.#partition));
      return new FileLines(file, position);
    } catch (error) {
      await this.stop();
      if (isRetriable(error) || error instanceof ConnectError) throw error;
      throw unreadable(this.#path, error);
    }
  }

  /** That there is nothing behind the committed position may be because the file has become shorter. */
  async #warnOfTruncation(position: number): Promise<void> {
    const status = position === 0 ? undefined : await this.#file?.stat();
    if (!status?.isFile() || status.size >= position) return;
    this.#context.warn(
      `File ${this.#path} has ${status.size} bytes, fewer than the committed position ${position}: it was truncated. ` +
        "Waiting until it has grown past that; to read it from its start, reset this connector's offsets",
    );
  }

  async stop(): Promise<void> {
    const file = this.#file;
    const lines = this.#lines;
    this.#file = null;
    this.#lines = null;
    // Waits for a read that is still under way.
    await file?.close();
    lines?.release();
  }
}

function positionOf(offset: SourceOffset | null): number {
  const position = offset?.[positionField];
  if (position === undefined || position === null) return 0;
  if ((typeof position !== 'bigint' && typeof position !== 'number') || !Number.isSafeInteger(Number(position))) {
    throw new ConnectError('connector.offset_unreadable', 'Offset position is the incorrect type');
  }
  return Number(position);
}

const unreadable = (path: string, cause: unknown) =>
  new ConnectError('file.unreadable', `File ${path} cannot be read: ${(cause as Error).message}`, { cause });
