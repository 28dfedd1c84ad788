import type { ItemOutcome } from '../api/item-outcome.ts';
import type { Settings } from '../config/config-def.ts';
import { ConnectError, isRetriable } from '../errors.ts';
import { DataReader } from './data-reader.ts';
import { DataWriter } from './data-writer.ts';
import type { HostProcess } from './host-process.ts';
import { errorOf, type JavaFailure, type JavaSubject } from './java-error.ts';
import { bounded, type WarmHost } from './warm-host.ts';
import { FrameReader, FrameWriter } from './wire.ts';

const limitMs = 60_000;
/** Of many items more than this goes out in several frames. */
const frameBytes = 4 << 20;
/** What the host says where an item has failed. */
const failed = 2;

interface Session {
  readonly host: HostProcess;
  readonly id: number;
}

/** One kind of question, asked of many items in a frame. */
export interface ManyQuestions<T, A> {
  readonly step: string;
  readonly frame: number;
  readonly items: readonly T[];
  /** Begins a frame: what stands in front of its items. */
  begin(out: FrameWriter): void;
  write(out: FrameWriter, data: DataWriter, item: T): void;
  /** `said`: the byte in front of the answer. */
  read(from: FrameReader, data: DataReader, said: number, item: T): A;
}

/** Whoever calls it has not seen that it is asked for many at once. */
export function onlyMany(step: string): never {
  throw new ConnectError(
    'java.asked_alone',
    `A plugin of Java is asked for many records at once, never ${step} of one`,
  );
}

/** A plugin of Java that is called for each record. The host makes one of it when it is first asked. */
export abstract class JavaRecordPlugin {
  readonly #warm: WarmHost;
  readonly #subject: JavaSubject;
  readonly #kind: string;
  readonly #out = new FrameWriter();
  #data = new DataWriter();
  #answers = new DataReader();
  #facts: Readonly<Record<string, unknown>> = {};
  #session: Promise<Session> | null = null;

  /** `kind`: what the host calls it. */
  constructor(kind: string, warm: WarmHost, subject: JavaSubject) {
    this.#kind = kind;
    this.#warm = warm;
    this.#subject = subject;
  }

  protected keep(config: Settings, facts: Readonly<Record<string, unknown>> = {}): void {
    this.#facts = { config, ...facts };
  }

  /** Of one alone. */
  protected async one<T, A>(questions: ManyQuestions<T, A>): Promise<A> {
    const [outcome] = await this.many(questions);
    if (outcome === undefined)
      throw new ConnectError('java.protocol', 'The Java host has left an item without an answer');
    if (outcome.failed) throw outcome.error;
    return outcome.answer;
  }

  /**
   * In the order of the items, up to the first that may be tried again. What cannot be written down has failed without
   * being asked. Rejects with what is the fault of no item.
   */
  protected async many<T, A>(questions: ManyQuestions<T, A>): Promise<ItemOutcome<A>[]> {
    const { items } = questions;
    this.#session ??= this.#start();
    const session = await this.#session;
    const outcomes: ItemOutcome<A>[] = [];
    while (outcomes.length < items.length) {
      const before = outcomes.length;
      await this.#someOf(session, questions, outcomes);
      const last = outcomes.at(-1);
      if (last?.failed && isRetriable(last.error)) break;
      if (outcomes.length === before)
        throw new ConnectError('java.protocol', 'The Java host has left items without an answer');
    }
    return outcomes;
  }

  async #someOf<T, A>(
    { host, id }: Session,
    questions: ManyQuestions<T, A>,
    outcomes: ItemOutcome<A>[],
  ): Promise<void> {
    const { items, step, read } = questions;
    let to = outcomes.length;
    const unwritten: { error: unknown }[] = [];
    const work = host.request(step, this.#subject, (frame) => {
      const out = this.#out.begin().int32(id);
      questions.begin(out);
      while (to < items.length && out.position < frameBytes && unwritten.length === 0) {
        const start = out.position;
        try {
          questions.write(out, this.#data, items[to]!);
        } catch (error) {
          // What it has defined is taken back with it, so that nothing may follow in this frame.
          out.backTo(start);
          this.#data.forget();
          unwritten.push({ error });
        }
        to++;
      }
      return out.end(questions.frame, frame);
    });
    const answers = new FrameReader(await bounded(host, this.#subject, step, work, { limitMs }));
    while (answers.left > 0) {
      const said = answers.byte();
      if (said === failed) outcomes.push({ failed: true, error: this.#failure(answers) });
      else outcomes.push({ failed: false, answer: read(answers, this.#answers, said, items[outcomes.length]!) });
    }
    // Its turn has come when all in front of it are answered.
    const [left] = unwritten;
    if (left !== undefined && outcomes.length === to - 1) outcomes.push({ failed: true, error: left.error });
  }

  #failure(answers: FrameReader): Error {
    return errorOf(JSON.parse(answers.bytes().toString('utf8')) as JavaFailure, this.#subject);
  }

  async close(): Promise<void> {
    const session = await this.#session?.catch(() => null);
    this.#session = null;
    if (session === null || session === undefined || !session.host.alive) return;
    const { host, id } = session;
    try {
      await bounded(host, this.#subject, 'close', host.call('recordPlugin.stop', { session: id }, this.#subject), {
        limitMs,
      });
    } finally {
      host.close(id);
    }
  }

  async #start(): Promise<Session> {
    const host = await this.#warm.get();
    this.#data = new DataWriter();
    this.#answers = new DataReader();
    const id = host.open({ subject: this.#subject });
    const { className, location } = this.#subject;
    const facts = { session: id, location, class: className, ...this.#facts };
    const work = host.call(`${this.#kind}.start`, facts, this.#subject);
    await bounded(host, this.#subject, 'configure', work, { limitMs });
    return { host, id };
  }
}
