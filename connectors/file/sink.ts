import type { FileHandle } from 'node:fs/promises';
import {
  anyFile,
  ByteSink,
  type ConfigProblem,
  ConnectError,
  type ConnectorConfig,
  type ConnectorContext,
  type FileAccess,
  javaText,
  parseConfig,
  type SinkConnector,
  type SinkRecord,
  type SinkTask,
  type SinkTaskContext,
} from '../../src/api/index.ts';
import { fileProblems } from './file-problems.ts';
import { fileStreamSinkConfig } from './settings.ts';

/** Lines are gathered up to this many bytes, or for this long, before they are written. */
const writeBehindBytes = 1 << 18;
const writeBehindMs = 10;
/** Joined before they are encoded: a call for each line would cost more than its bytes. */
const linesAtOnce = 8;

export class FileStreamSinkConnector implements SinkConnector {
  readonly #files: FileAccess;
  #config: ConnectorConfig = {};

  constructor(files: FileAccess = anyFile) {
    this.#files = files;
  }

  validate(config: ConnectorConfig): readonly ConfigProblem[] {
    return fileProblems(this.#files, config);
  }

  start(config: ConnectorConfig, _context: ConnectorContext): void {
    parseConfig(fileStreamSinkConfig, config);
    this.#config = config;
  }

  taskConfigs(maxTasks: number): ConnectorConfig[] {
    return Array.from({ length: maxTasks }, () => this.#config);
  }

  createTask(): SinkTask {
    return new FileStreamSinkTask(this.#files);
  }

  stop(): void {}

  /** A file takes whatever comes: any position will do. */
  alterOffsets(): boolean {
    return true;
  }
}

/** Appends the value of each record, as Java prints it, and a line feed. */
export class FileStreamSinkTask implements SinkTask {
  readonly #files: FileAccess;
  #path: string | null = null;
  #file: FileHandle | null = null;
  #pending = new ByteSink();
  /** Memory of writes that are done, for the next lines. */
  readonly #spare: ByteSink[] = [];
  #timer: NodeJS.Timeout | null = null;
  /** One write after the other; once one has failed none follows until `flush` has told. */
  #written: Promise<void> = Promise.resolve();

  constructor(files: FileAccess = anyFile) {
    this.#files = files;
  }

  async start(config: ConnectorConfig, _context: SinkTaskContext): Promise<void> {
    const { file } = parseConfig(fileStreamSinkConfig, config);
    if (file === null) return;
    this.#path = file;
    this.#file = await this.#files.open(file, 'a').catch((error: Error) => {
      if (error instanceof ConnectError) throw error;
      throw new ConnectError(
        'file.unwritable',
        `Couldn't find or create file '${file}' for FileStreamSinkTask: ${error.message}`,
        { cause: error },
      );
    });
  }

  put(records: SinkRecord[]): void | Promise<void> {
    const pending = this.#pending;
    let lines = '';
    for (let i = 0; i < records.length; i++) {
      const { value, valueSchema } = records[i]!;
      lines += `${typeof value === 'string' ? value : javaText(valueSchema, value)}\n`;
      if (i % linesAtOnce !== linesAtOnce - 1) continue;
      pending.write(lines);
      lines = '';
    }
    pending.write(lines);
    if (pending.position >= writeBehindBytes) {
      // Written while the next records come: at most one write waits behind another.
      const before = this.#written;
      this.#writePending();
      return before;
    }
    // Whoever watches the file sees a line at once, not when the positions are committed.
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#writePending();
    }, writeBehindMs);
  }

  async flush(): Promise<void> {
    this.#writePending();
    try {
      await this.#written;
    } catch (error) {
      // Nothing was committed since: the lines come again.
      this.#written = Promise.resolve();
      throw error;
    }
  }

  #writePending(): void {
    const lines = this.#pending;
    if (lines.position === 0) return;
    this.#pending = this.#spare.pop() ?? new ByteSink();
    this.#written = this.#written.then(() => this.#write(lines));
    // A failure is for the next flush to tell; without one nothing is committed.
    this.#written.catch(() => {});
  }

  async #write(lines: ByteSink): Promise<void> {
    const bytes = lines.bytes.subarray(0, lines.position);
    if (this.#file === null) {
      process.stdout.write(bytes.toString());
    } else {
      await this.#file.writeFile(bytes).catch((error: Error) => {
        throw new ConnectError('file.unwritable', `File ${this.#path} cannot be written: ${error.message}`, {
          cause: error,
        });
      });
    }
    lines.position = 0;
    this.#spare.push(lines);
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#written.catch(() => {});
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }
}
