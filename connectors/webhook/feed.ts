import {
  ConfigError,
  type ConnectorConfig,
  DataError,
  type FedItem,
  type FedOutcome,
  type FeedContext,
  SerializationError,
  type SourceFeed,
  type SourcePartition,
  type SourceRecord,
} from '../../src/api/index.ts';
import { answerQueue, messagesOf, type QueueMessage } from '../queue-event.ts';
import { checkBodySize, checkContentType, contentTypeOf, decodeBody } from './body.ts';
import { type BufferedRequest, feedKeyOf, type HookBuffer, readBuffered, writeBuffered } from './buffer.ts';
import { recordsOf, unreadableBody } from './records.ts';
import { answerJson, type HookAnswer, Refusal } from './refusal.ts';
import { fieldsOf, type HookRequest, requestOf } from './request.ts';
import { type HookRules, hookRules, neededHeaders } from './rules.ts';

export interface HookFeedParts {
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly buffer: HookBuffer;
}

/**
 * One event of a hook: a request, or what the buffer has of requests that were let in before. A request is one item, with
 * all its records: it is answered by what became of them together.
 */
export class WebhookFeed implements SourceFeed {
  readonly onRefused = 'refuse';
  readonly #parts: HookFeedParts;
  #rules!: HookRules;
  #context!: FeedContext;
  #partition: SourcePartition = {};
  /** What is answered whatever becomes of the items. */
  #settled: HookAnswer | null = null;
  /** What the request is. */
  #records: readonly SourceRecord[] = [];
  #messages: readonly QueueMessage[] | null = null;

  constructor(parts: HookFeedParts) {
    this.#parts = parts;
  }

  start(config: ConnectorConfig, context: FeedContext): void {
    this.#rules = hookRules(config, this.#parts.now);
    this.#context = context;
    this.#partition = Object.freeze({ hook: context.connector });
    if (this.#rules.mode === 'buffered' && !this.#parts.buffer.has(feedKeyOf(context.connector))) {
      throw new ConfigError(
        'http.response.mode is buffered, and there is no buffer: deploy webhooks(drover, { buffer: true }), or name the connector in ownBuffers',
        { key: 'http.response.mode' },
      );
    }
  }

  async items(event: unknown): Promise<readonly FedItem[]> {
    if (Array.isArray(fieldsOf(event)?.Records)) {
      this.#messages = messagesOf(event);
      return await Promise.all(this.#messages.map((message) => this.#buffered(message)));
    }
    try {
      return await this.#admit(requestOf(event));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.status >= 500) this.#context.warn(`A request was answered ${error.status}: ${textOf(error)}`);
      this.#settled = error.answer();
      return [];
    }
  }

  answer(_event: unknown, outcomes: readonly FedOutcome[]): unknown {
    if (this.#messages !== null) return answerQueue(this.#messages, outcomes);
    if (this.#settled !== null) return this.#settled;
    const outcome = outcomes[0];
    if (outcome === undefined) return answerJson(200, { records: 0 });
    if (outcome.state === 'done') return this.#accepted();
    if (outcome.state === 'refused') return this.#refused(outcome.error).answer();
    // What is wrong here is for the connector's status and log, not for who sends.
    return new Refusal(503, 'The records are not in Kafka: send the request again later').answer();
  }

  stop(): void {}

  /** Some of it may be with the dead letters, where the error policy is so. */
  #accepted(): HookAnswer {
    const unreadable = this.#records.map(refusalIn).filter((refusal) => refusal !== null);
    if (unreadable.length === 0) return answerJson(200, { records: this.#records.length });
    const { message } = unreadable[0]!;
    return answerJson(200, {
      records: this.#records.length - unreadable.length,
      unreadable: unreadable.length,
      message,
    });
  }

  /** What is wrong with the data is for who sent it; what is wrong elsewhere, a topic's name or a host in it, for the log. */
  #refused(error: Error): Refusal {
    const unreadable = this.#records.map(refusalIn).find((refusal) => refusal !== null);
    if (unreadable !== undefined) return unreadable;
    const chain = causesOf(error);
    const ofData = chain.find((cause) => cause instanceof DataError || cause instanceof SerializationError);
    if (ofData !== undefined) {
      return new Refusal(422, `The request cannot be written to Kafka as it is: ${ofData.message}`);
    }
    this.#context.warn(`A request was answered 422: ${textOf(error)}`);
    return new Refusal(
      422,
      'The request cannot be written to Kafka as it is: a step of the connector or Kafka itself refuses it, and the log of the connector says why',
    );
  }

  /** Cheap checks first, and nothing is read of a body whose sender is not known. */
  async #admit(request: HookRequest): Promise<readonly FedItem[]> {
    const rules = this.#rules;
    if (!rules.methods.includes(request.method)) {
      throw new Refusal(405, `This hook takes no ${request.method}: send ${rules.methods.join(' or ')}`, {
        headers: { allow: rules.methods.join(', ') },
      });
    }
    checkBodySize(request.body, rules.limits);
    checkUndamaged(request);
    await rules.authenticate(request);
    checkContentType(contentTypeOf(request.headers['content-type']), rules.contentTypes);
    const challenge = rules.answersChallenge ? challengeOf(request.body) : null;
    if (challenge !== null) {
      this.#settled = answerJson(200, { challenge });
      return [];
    }
    const records = await this.#recordsOf(request);
    this.#records = records;
    // What cannot be read is told at once, to whoever is to know of it.
    if (rules.mode === 'sync' || records.some((record) => refusalIn(record) !== null)) return [{ records }];
    await this.#putIntoBuffer(request);
    this.#settled = answerJson(202, { records: records.length });
    return [];
  }

  async #putIntoBuffer(request: HookRequest): Promise<void> {
    const needed = neededHeaders(this.#rules.records);
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => needed.has(name)));
    const { connector, signal } = this.#context;
    try {
      await this.#parts.buffer.put(feedKeyOf(connector), writeBuffered({ ...request, headers }), signal);
    } catch (cause) {
      throw new Refusal(503, 'The request could not be put into the buffer: send it again later', { cause });
    }
  }

  /** Throws Refusal for what no policy lets pass: sizes, and encodings that are not known. */
  async #recordsOf(request: BufferedRequest): Promise<readonly SourceRecord[]> {
    const { records: rules, limits } = this.#rules;
    const { headers } = request;
    let body: Buffer;
    try {
      body = await decodeBody(request.body, headers['content-encoding'], limits);
    } catch (error) {
      if (!(error instanceof Refusal) || !error.ofContent) throw error;
      const unreadable = new DataError(error.message, { cause: error });
      return [unreadableBody(unreadable, request.body, request, rules, this.#partition)];
    }
    return recordsOf(body, { ...request, contentType: contentTypeOf(headers['content-type']) }, rules, this.#partition);
  }

  /** Out of the buffer: who sent it was known then, and is told nothing more. */
  async #buffered({ body, messageId }: QueueMessage): Promise<FedItem> {
    try {
      return { records: await this.#recordsOf(readBuffered(body)) };
    } catch (error) {
      if (!(error instanceof DataError || error instanceof Refusal)) throw error;
      const facts = { headers: {}, requestId: messageId };
      return { records: [unreadableBody(error, Buffer.from(body), facts, this.#rules.records, this.#partition)] };
    }
  }
}

/** Before who sent it is asked: a signature over what it was cannot fit. */
function checkUndamaged({ damaged, headers }: HookRequest): void {
  if (!damaged) return;
  throw new Refusal(
    400,
    `The gateway takes a body of the content type ${headers['content-type'] ?? ''} for text, and this one has bytes that are no UTF-8: ` +
      'send it with a content type that is none, application/octet-stream say, which http.content.types must allow',
  );
}

/** Why a record that cannot be read cannot be. */
function refusalIn({ instead }: SourceRecord): Refusal | null {
  const cause = instead !== null && instead !== 'mark' ? instead.error.cause : null;
  return cause instanceof Refusal ? cause : null;
}

/** https://docs.slack.dev/reference/events/url_verification */
function challengeOf(body: Buffer): string | null {
  if (!body.includes('url_verification')) return null;
  try {
    const fields = fieldsOf(JSON.parse(body.toString()));
    return fields?.type === 'url_verification' && typeof fields.challenge === 'string' ? fields.challenge : null;
  } catch {
    return null;
  }
}

const textOf = (error: Error) =>
  causesOf(error)
    .map(({ message }) => message)
    .join(': ');

function causesOf(error: Error): readonly Error[] {
  const chain: Error[] = [];
  for (let one: unknown = error; one instanceof Error && chain.length < 10; one = one.cause) chain.push(one);
  return chain;
}
