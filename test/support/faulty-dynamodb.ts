import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FaultyDynamoDb extends AsyncDisposable {
  readonly endpoint: string;
  /** Requests passed on, and faults given instead or after. */
  readonly counts: { passed: number; throttled: number; failed: number; lost: number };
}

/**
 * DynamoDB behind a proxy that throttles some requests, answers others with an internal error, and does some but loses
 * their answer. `random` decides, so that a seed repeats it.
 */
export async function startFaultyDynamoDb(target: string, random: () => number): Promise<FaultyDynamoDb> {
  const { hostname, port } = new URL(target);
  const counts = { passed: 0, throttled: 0, failed: 0, lost: 0 };
  const server = createServer((incoming, outgoing) => {
    const dice = random();
    if (dice < 0.06) {
      counts.throttled++;
      refuse(outgoing, 400, 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException');
      incoming.resume();
    } else if (dice < 0.12) {
      counts.failed++;
      refuse(outgoing, 500, 'com.amazon.coral.service#InternalServerError');
      incoming.resume();
    } else {
      const isLost = dice < 0.22;
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
