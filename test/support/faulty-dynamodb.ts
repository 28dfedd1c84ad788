import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FaultyDynamoDb extends AsyncDisposable {
  readonly endpoint: string;
  /** Requests passed on, and faults given instead or after. */
  readonly counts: { passed: number; throttled: number; failed: number; lost: number };
}

type Fate = 'passed' | 'throttled' | 'failed' | 'lost';

const fates: readonly Fate[] = [
  ...Array<Fate>(39).fill('passed'),
  ...Array<Fate>(3).fill('throttled'),
  ...Array<Fate>(3).fill('failed'),
  ...Array<Fate>(5).fill('lost'),
];

/**
 * DynamoDB behind a proxy that throttles some requests, answers others with an internal error, and does some but loses
 * their answer. `random` decides which, so that a seed repeats it; of each fifty, how many is fixed.
 */
export async function startFaultyDynamoDb(target: string, random: () => number): Promise<FaultyDynamoDb> {
  const { hostname, port } = new URL(target);
  let deck: Fate[] = [];
  const counts = { passed: 0, throttled: 0, failed: 0, lost: 0 };
  const server = createServer((incoming, outgoing) => {
    if (deck.length === 0) deck = shuffled(fates, random);
    const fate = deck.pop();
    if (fate === 'throttled') {
      counts.throttled++;
      refuse(outgoing, 400, 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException');
      incoming.resume();
    } else if (fate === 'failed') {
      counts.failed++;
      refuse(outgoing, 500, 'com.amazon.coral.service#InternalServerError');
      incoming.resume();
    } else {
      const isLost = fate === 'lost';
      if (isLost) counts.lost++;
      else counts.passed++;
      forward(incoming, outgoing, { hostname, port }, isLost);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function refuse(outgoing: ServerResponse, status: number, type: string): void {
  outgoing.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' });
  outgoing.end(JSON.stringify({ __type: type, message: 'injected' }));
}

function forward(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  target: { hostname: string; port: string },
  isLost: boolean,
): void {
  const onward = request({ ...target, method: incoming.method, path: incoming.url, headers: incoming.headers });
  onward.on('response', (answer) => {
    if (isLost) {
      answer.resume();
      answer.on('end', () => refuse(outgoing, 500, 'com.amazon.coral.service#InternalServerError'));
      return;
    }
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(outgoing);
  });
  onward.on('error', () => outgoing.destroy());
  incoming.pipe(onward);
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const cards = [...items];
  for (let last = cards.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [cards[last], cards[other]] = [cards[other]!, cards[last]!];
  }
  return cards;
}
