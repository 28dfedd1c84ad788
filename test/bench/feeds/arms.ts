import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';

/** One way from a sender to a topic. */
export interface Arm {
  readonly title: string;
  readonly connector: string;
  readonly topic: string;
  readonly config: Readonly<Record<string, string>>;
  /** Of the Connect REST API that runs it. */
  readonly restUrl: string;
  /** Processes whose CPU is its price. */
  readonly pids: () => readonly number[];
  send(bodies: Bodies): Promise<void>;
}

/** Messages yet to be sent: each begins with the time at which it was. */
export class Bodies {
  readonly #count: number;
  readonly #first: number;
  #next = 0;

  constructor(first: number, count: number) {
    this.#first = first;
    this.#count = count;
  }

  take(most: number): string[] {
    const size = Math.min(most, this.#count - this.#next);
    const from = this.#first + this.#next;
    this.#next += size;
    return Array.from({ length: size }, (_, index) => `${Date.now()} ${from + index} ${'x'.repeat(100)}`);
  }
}

/** As a body begins. */
export function readBody(body: string): { readonly sentAt: number; readonly number: number } {
  const [sentAt, number] = body.split(' ', 2).map(Number);
  return { sentAt: sentAt!, number: number! };
}

export const senders = 8;

async function sendAll(bodies: Bodies, atOnce: number, sendSome: (some: string[]) => Promise<void>): Promise<void> {
  const sender = async () => {
    for (let some = bodies.take(atOnce); some.length > 0; some = bodies.take(atOnce)) await sendSome(some);
  };
  await Promise.all(Array.from({ length: senders }, sender));
}

export function toQueue(sqs: SQSClient, QueueUrl: string): Arm['send'] {
  return (bodies) =>
    sendAll(bodies, 10, async (some) => {
      const Entries = some.map((MessageBody, id) => ({ Id: String(id), MessageBody }));
      const { Failed: failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
      if (failed.length > 0) throw new Error(`${QueueUrl} took ${some.length - failed.length} of ${some.length}`);
    });
}

export function toHook(url: string): Arm['send'] {
  return (bodies) =>
    sendAll(bodies, 1, async ([body]) => {
      const answer = await fetch(url, { method: 'POST', body: body!, headers: { 'Content-Type': 'text/plain' } });
      if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
      await answer.arrayBuffer();
    });
}
