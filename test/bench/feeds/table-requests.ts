import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LambdaClient } from '@aws-sdk/client-lambda';
import { changeEnvironment } from '../../support/function-environment.ts';

/** What a function asks of the table, counted on its way there. */
export interface TableRequests {
  /** So far, by operation. */
  counts(): ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

/** Puts a proxy between a function and the table, and back in order when it is stopped. */
export async function watchTableRequests(
  lambda: LambdaClient,
  functionName: string,
  awsEndpoint: string,
): Promise<TableRequests> {
  const counts = new Map<string, number>();
  const server = proxyTo(awsEndpoint, counts);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const change = { AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${port}` };
  const restore = await changeEnvironment(lambda, functionName, change);
  return {
    counts: () => new Map(counts),
    stop: async () => {
      await restore();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function proxyTo(endpoint: string, counts: Map<string, number>): Server {
  const { hostname, port } = new URL(endpoint);
  return createServer((asked, answer) => {
    const operation = String(asked.headers['x-amz-target']).split('.').at(-1)!;
    counts.set(operation, (counts.get(operation) ?? 0) + 1);
    const { url, method, headers } = asked;
    const onward = request({ hostname, port, path: url, method, headers }, (answered) => {
      answer.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    asked.pipe(onward);
  });
}
