import type { Converter, ConverterRole } from '../api/converter.ts';
import type { Settings } from '../config/config-def.ts';
import type { Schema, SchemaAndValue } from '../data/schema.ts';
import { DataReader } from './data-reader.ts';
import { DataWriter } from './data-writer.ts';
import type { HostProcess } from './host-process.ts';
import type { JavaSubject } from './java-error.ts';
import { bounded, type WarmHost } from './warm-host.ts';
import { FrameReader, FrameWriter, frameType } from './wire.ts';

const limitMs = 60_000;

/** A converter of Java. Each record's key or value is a message to the host and its answer. */
export class JavaConverter implements Converter {
  readonly #warm: WarmHost;
  readonly #subject: JavaSubject;
  readonly #writer = new FrameWriter();
  #data = new DataWriter();
  #answers = new DataReader();
  #settings: Settings = {};
  #isKey = false;
  #session: Promise<{ readonly host: HostProcess; readonly id: number }> | null = null;

  constructor(warm: WarmHost, subject: JavaSubject) {
    this.#warm = warm;
    this.#subject = subject;
  }

  configure(settings: Settings, role: ConverterRole): void {
    this.#settings = settings;
    this.#isKey = role.isKey;
  }

  async fromConnectData(topic: string, schema: Schema | null, value: unknown): Promise<Uint8Array | null> {
    const { host, id: session } = await this.#open();
    const work = host.request('fromConnectData', this.#subject, (id) => {
      try {
        const out = this.#writer.begin().int32(session).text(topic);
        this.#data.schema(out, schema);
        this.#data.value(out, schema, value);
        return out.end(frameType.fromConnect, id);
      } catch (error) {
        this.#data.forget();
        throw error;
      }
    });
    const answer = new FrameReader(await this.#bounded(host, 'fromConnectData', work));
    return answer.byte() === 0 ? null : answer.rest();
  }

  async toConnectData(topic: string, bytes: Uint8Array | null): Promise<SchemaAndValue> {
    const { host, id: session } = await this.#open();
    const work = host.request('toConnectData', this.#subject, (id) => {
      const out = this.#writer.begin().int32(session).text(topic);
      if (bytes === null) out.byte(0);
      else out.byte(1).bytes(bytes);
      return out.end(frameType.toConnect, id);
    });
    const answer = new FrameReader(await this.#bounded(host, 'toConnectData', work));
    const schema = this.#answers.schema(answer);
    return { schema, value: this.#answers.value(answer, schema) };
  }

  async close(): Promise<void> {
    const session = await this.#session?.catch(() => null);
    this.#session = null;
    if (session === null || session === undefined || !session.host.alive) return;
    await this.#bounded(
      session.host,
      'close',
      session.host.call('converter.stop', { session: session.id }, this.#subject),
    );
    session.host.close(session.id);
  }

  #open(): Promise<{ readonly host: HostProcess; readonly id: number }> {
    this.#session ??= this.#start();
    return this.#session;
  }

  async #start(): Promise<{ readonly host: HostProcess; readonly id: number }> {
    const host = await this.#warm.get();
    this.#data = new DataWriter();
    this.#answers = new DataReader();
    const id = host.open({ subject: this.#subject });
    const { className, location } = this.#subject;
    const facts = { session: id, location, class: className, config: this.#settings, isKey: this.#isKey };
    await this.#bounded(host, 'configure', host.call('converter.start', facts, this.#subject));
    return { host, id };
  }

  #bounded<T>(host: HostProcess, step: string, work: Promise<T>): Promise<T> {
    return bounded(host, this.#subject, step, work, { limitMs });
  }
}
