import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ConnectError, TaskLostError } from '../errors.ts';
import { errorOf, type JavaFailure, type JavaSubject, named } from './java-error.ts';
import { type HostCommand, jvmOptions } from './jvm-command.ts';
import { frameType, headBytes, mostFrameBytes, protocolVersion, withHead } from './wire.ts';

/** A line that a plugin, or what it uses, has logged (level, logger), or printed (neither). */
export interface HostLine {
  readonly level: string | null;
  readonly logger: string | null;
  readonly message: string;
  readonly trace: string | null;
}

/** Who is told what a session's plugin says without being asked. */
export interface SessionListener {
  readonly subject: JavaSubject;
  event?(name: string, facts: Readonly<Record<string, unknown>>): void;
  /** Answers a question of the plugin's. */
  answer?(question: string, facts: Readonly<Record<string, unknown>>): Promise<unknown>;
  line?(line: HostLine): void;
}

interface Waiting {
  readonly subject: JavaSubject;
  readonly step: string;
  resolve(payload: Buffer): void;
  reject(error: Error): void;
}

const keptLines = 20;
const startLimitMs = 30_000;

/**
 * A JVM with the host program in it. It lives until it is ended, or ends by itself; every call that is under way then
 * fails with what has happened, and whoever needs Java next starts another one.
 */
export class HostProcess {
  readonly #child: ChildProcess;
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #sessions = new Map<number, SessionListener>();
  /** The last that it has printed. */
  readonly #printed: string[] = [];
  #ids = 0;
  #death: TaskLostError | null = null;
  #killed: Error | null = null;
  #exitCaller: string | null = null;
  readonly ended: Promise<void>;

  private constructor(child: ChildProcess, socket: Socket, printed: string[]) {
    this.#child = child;
    this.#socket = socket;
    this.#printed = printed;
    child.unref();
    for (const stream of [child.stdout, child.stderr]) (stream as Socket | null)?.unref();
    this.#holdProcess();
    this.#readFrames();
    this.ended = new Promise((resolve) => {
      const onEnd = (code: number | null, signal: string | null) => {
        this.#die(code, signal);
        resolve();
      };
      if (child.exitCode !== null || child.signalCode !== null) onEnd(child.exitCode, child.signalCode);
      else child.once('exit', onEnd);
    });
  }

  /** Resolves when the JVM is ready for calls; throws ConnectError `java.not_started` with what it has printed. */
  static async start(command: HostCommand): Promise<HostProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'drover-java-'));
    const path = join(folder, 'host');
    const printed: string[] = [];
    const server = createServer();
    try {
      await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
      const child = spawn(command.java, [...jvmOptions(command), 'drover.host.Host', path], {
        stdio: ['ignore', 'pipe', 'pipe'],
        ...(command.packed ? { cwd: command.jars } : {}),
      });
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream! }).on('line', (line) => keep(printed, line));
      }
      let limit: NodeJS.Timeout | undefined;
      const socket = await new Promise<Socket>((resolve, reject) => {
        const fail = (why: string) => reject(notStarted(command, why, printed));
        server.once('connection', resolve);
        child.once('error', (error) => fail(error.message));
        // What it has printed comes a moment later.
        child.once('close', (code, signal) => fail(`it ended with ${signal ?? `exit code ${code}`}`));
        limit = setTimeout(() => {
          child.kill('SIGKILL');
          fail(`it was not ready after ${startLimitMs / 1000} seconds`);
        }, startLimitMs);
      }).finally(() => clearTimeout(limit));
      return new HostProcess(child, socket, printed);
    } finally {
      server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get alive(): boolean {
    return this.#death === null && this.#killed === null;
  }

  /** A number under which the host keeps a plugin at work, and who is told what it says. */
  open(listener: SessionListener): number {
    const id = ++this.#ids;
    this.#sessions.set(id, listener);
    return id;
  }

  close(session: number): void {
    this.#sessions.delete(session);
  }

  /** Answers what the host does; throws what the plugin throws, or what has ended the JVM. */
  async call(op: string, facts: Readonly<Record<string, unknown>>, subject: JavaSubject): Promise<unknown> {
    const text = Buffer.from(JSON.stringify({ op, ...facts }));
    const answer = await this.#request(op, subject, (id) => frameOf(frameType.call, id, text));
    return answer.length === 0 ? null : JSON.parse(answer.toString('utf8'));
  }

  /** The same with frames that are made elsewhere; `make` is given the number that the answer will bear. */
  request(step: string, subject: JavaSubject, make: (id: number) => Buffer): Promise<Buffer> {
    return this.#request(step, subject, make);
  }

  /** What has no answer; to a JVM that is gone, nothing. */
  send(frame: Buffer): void {
    if (this.alive) this.#socket.write(frame);
  }

  /** Nobody waits for that answer any more, which may never come. */
  forget(id: number): void {
    this.#answered(id);
  }

  async #request(step: string, subject: JavaSubject, make: (id: number) => Buffer): Promise<Buffer> {
    const over = this.#death ?? this.#killed;
    if (over !== null) throw over;
    const id = ++this.#ids;
    const frame = make(id);
    return await new Promise<Buffer>((resolve, reject) => {
      this.#waiting.set(id, { subject, step, resolve, reject });
      this.#holdProcess();
      this.#socket.write(frame);
    });
  }

  /** Ends it at once: what is under way fails with `reason`. */
  kill(reason: Error): void {
    if (!this.alive) return;
    this.#killed = reason;
    this.#child.ref();
    this.#child.kill('SIGKILL');
    this.#failAll();
  }

  #answered(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    this.#holdProcess();
    return waiting;
  }

  /** This process may end while the JVM has nothing to do, and that one ends with it. */
  #holdProcess(): void {
    if (this.#waiting.size > 0) this.#socket.ref();
    else this.#socket.unref();
  }

  #readFrames(): void {
    let held: Buffer[] = [];
    let size = 0;
    let needed = headBytes;
    this.#socket.on('data', (chunk: Buffer) => {
      held.push(chunk);
      size += chunk.length;
      if (size < needed) return;
      let all = held.length === 1 ? held[0]! : Buffer.concat(held, size);
      for (;;) {
        needed = headBytes;
        if (all.length < headBytes) break;
        const length = all.readUInt32BE(0);
        if (length < 5 || length > mostFrameBytes) {
          this.kill(new ConnectError('java.protocol', `The Java host sends a frame of ${length} bytes`));
          return;
        }
        needed = length + 4;
        if (all.length < needed) break;
        this.#take(all[4]!, all.readUInt32BE(5), all.subarray(headBytes, needed));
        all = all.subarray(needed);
      }
      held = all.length === 0 ? [] : [all];
      size = all.length;
    });
    this.#socket.on('error', () => {});
  }

  #take(type: number, id: number, payload: Buffer): void {
    switch (type) {
      case frameType.result:
      case frameType.batch:
      case frameType.converted:
      case frameType.applied: {
        this.#answered(id)?.resolve(payload);
        return;
      }
      case frameType.error: {
        const waiting = this.#answered(id);
        if (waiting !== undefined) {
          waiting.reject(errorOf(JSON.parse(payload.toString('utf8')) as JavaFailure, waiting.subject));
        }
        return;
      }
      case frameType.event:
        this.#hear(JSON.parse(payload.toString('utf8')) as Record<string, unknown>);
        return;
      case frameType.ask:
        void this.#answer(id, JSON.parse(payload.toString('utf8')) as Record<string, unknown>);
    }
  }

  #hear(facts: Record<string, unknown>): void {
    switch (facts.event) {
      case 'ready':
        if (facts.protocol !== protocolVersion) {
          const problem = `The jars of the Java host speak protocol ${facts.protocol}, this Drover speaks ${protocolVersion}: build them anew`;
          this.kill(new ConnectError('java.protocol', problem));
        }
        return;
      case 'exit':
        this.#exitCaller = String(facts.caller);
        return;
      case 'log': {
        const line = {
          level: String(facts.level),
          logger: String(facts.logger),
          message: String(facts.message),
          trace: typeof facts.trace === 'string' ? facts.trace : null,
        };
        for (const { line: told } of this.#sessions.values()) told?.(line);
        return;
      }
    }
    this.#sessions.get(facts.session as number)?.event?.(String(facts.event), facts);
  }

  async #answer(id: number, facts: Record<string, unknown>): Promise<void> {
    const listener = this.#sessions.get(facts.session as number);
    try {
      if (listener?.answer === undefined) throw new Error('The run is over');
      const answer = JSON.stringify((await listener.answer(String(facts.ask), facts)) ?? null);
      this.#socket.write(frameOf(frameType.answer, id, Buffer.from(answer)));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#socket.write(frameOf(frameType.refusal, id, Buffer.from(JSON.stringify({ message }))));
    }
  }

  #die(code: number | null, signal: string | null): void {
    const outOfMemory = this.#printed.some((line) => line.includes('java.lang.OutOfMemoryError'));
    const why =
      this.#exitCaller !== null
        ? `${this.#exitCaller} has called System.exit`
        : outOfMemory
          ? 'it ran out of memory; give it more (-Xmx, and memory to the function), or let it hold less at a time'
          : signal !== null
            ? `it was ended by ${signal}`
            : `it ended with exit code ${code}${this.#printed.length === 0 ? '' : `: ${this.#printed.slice(-5).join(' | ')}`}`;
    const lasting = this.#exitCaller !== null || outOfMemory;
    this.#death = new TaskLostError('java.host_died', `The Java virtual machine is gone: ${why}`, {
      retriable: !lasting,
      facts: { code, signal, printed: [...this.#printed] },
    });
    this.#socket.destroy();
    this.#failAll();
  }

  #failAll(): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { subject, step, reject } of waiting) reject(this.#killed ?? this.#deathDuring(subject, step));
  }

  #deathDuring(subject: JavaSubject, step: string): Error {
    const { message, code, retriable, facts } = this.#death!;
    const call = step.slice(step.indexOf('.') + 1);
    return new TaskLostError(code, `${message}. This was during ${call} of ${named(subject)}`, { retriable, facts });
  }
}

function frameOf(type: number, id: number, payload: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(headBytes + payload.length);
  payload.copy(frame, headBytes);
  return withHead(frame, type, id);
}

function keep(lines: string[], line: string): void {
  lines.push(line.slice(0, 1000));
  if (lines.length > keptLines) lines.shift();
}

function notStarted({ java }: HostCommand, why: string, printed: readonly string[]): ConnectError {
  const said = printed.length === 0 ? '' : `: ${printed.slice(-5).join(' | ')}`;
  return new ConnectError('java.not_started', `Java (${java}) could not be started, ${why}${said}`);
}
