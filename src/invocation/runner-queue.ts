import { randomUUID } from 'node:crypto';
import type { Message, SQSClient } from '@aws-sdk/client-sqs';
import { RetriableError } from '../errors.ts';
import { invocationOf } from './failed-invocations.ts';
import { isFields, jsonIn } from './fields.ts';
import { type InvokedRun, type Invoker, parseRunRequest, type RunRequest } from './run-request.ts';

export interface RunnerQueueOptions {
  readonly queueUrl: string;
  readonly connect?: () => Promise<Pick<SQSClient, 'send'>>;
}

/** Of ReceiveMessage. */
const mostMessages = 10;
const longestWaitSeconds = 20;

/**
 * How runs come to runners, who have no address: a queue that keeps them for a minute. It holds no truth. What is lost
 * here, or waits for too long, is due in the table still, and the next tick sends it again; what comes twice meets a lease
 * (I1). A runner that has nothing to do asks it once in 20 seconds, and the table not at all.
 */
export class RunnerQueue implements Invoker {
  readonly #queueUrl: string;
  readonly #connect: () => Promise<Pick<SQSClient, 'send'>>;
  #client: Promise<Pick<SQSClient, 'send'>> | null = null;

  constructor({ queueUrl, connect }: RunnerQueueOptions) {
    this.#queueUrl = queueUrl;
    const { origin: endpoint } = new URL(queueUrl);
    this.#connect = connect ?? (async () => new (await import('./runner-queue-sdk.ts')).SQSClient({ endpoint }));
  }

  /** Resolves when the queue has it; RetriableError when it has not: what is due stays due. */
  async invoke(request: RunRequest): Promise<void> {
    const [client, { SendMessageCommand }] = await this.#connected();
    const MessageBody = JSON.stringify({ ...request, invocation: randomUUID() });
    try {
      await client.send(new SendMessageCommand({ QueueUrl: this.#queueUrl, MessageBody }));
    } catch (cause) {
      throw new RetriableError(`Could not hand a run to the runner's queue: ${cause}`, {
        code: 'invocation.unavailable',
        cause,
      });
    }
  }

  /** Up to so many, as soon as there are some; none after 20 s, or when `signal` aborts. They are not given out again. */
  async receive(most: number, signal: AbortSignal): Promise<InvokedRun[]> {
    const Messages = await this.#messages(most, signal);
    // Those that could not be taken away come again.
    await this.#remove(Messages).catch(() => {});
    return Messages.flatMap(({ Body }) => askedRun(jsonIn(Body)));
  }

  /**
   * For a runner without room: looks at some as soon as there are any, and takes away what is no longer `wanted`; the
   * others stay for whoever has room, and are visible all the while. Answers how many these are.
   */
  async sift(wanted: (run: InvokedRun) => Promise<boolean>, signal: AbortSignal): Promise<number> {
    const Messages = await this.#messages(mostMessages, signal, 0);
    const keeps = await Promise.all(
      Messages.map(async ({ Body }) => {
        const [asked] = askedRun(jsonIn(Body));
        return asked !== undefined && (await wanted(asked));
      }),
    );
    await this.#remove(Messages.filter((_, index) => !keeps[index])).catch(() => {});
    return keeps.filter((keep) => keep).length;
  }

  async #messages(most: number, signal: AbortSignal, hiddenSeconds?: number): Promise<Message[]> {
    const [client, { ReceiveMessageCommand }] = await this.#connected();
    const asked = new ReceiveMessageCommand({
      QueueUrl: this.#queueUrl,
      MaxNumberOfMessages: Math.min(most, mostMessages),
      WaitTimeSeconds: longestWaitSeconds,
      ...(hiddenSeconds === undefined ? {} : { VisibilityTimeout: hiddenSeconds }),
    });
    return (await client.send(asked, { abortSignal: signal })).Messages ?? [];
  }

  async #remove(messages: readonly Message[]): Promise<void> {
    if (messages.length === 0) return;
    const [client, { DeleteMessageBatchCommand }] = await this.#connected();
    const Entries = messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    await client.send(new DeleteMessageBatchCommand({ QueueUrl: this.#queueUrl, Entries }));
  }

  #connected() {
    this.#client ??= this.#connect();
    return Promise.all([this.#client, import('./runner-queue-sdk.ts')]);
  }
}

/** Nothing of what nobody of Drover has sent. */
export function askedRun(body: unknown): InvokedRun[] {
  const invocation = invocationOf(body);
  if (!isFields(body) || invocation === undefined) return [];
  try {
    return [{ request: parseRunRequest(body), invocation }];
  } catch {
    return [];
  }
}
