import { isUtf8 } from 'node:buffer';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConnectError } from '../errors.ts';
import { mapError } from './error-mapper.ts';
import { bodyLimits, writeJson } from './json-body.ts';
import type { RestApp } from './rest-app.ts';
import type { RestRequest, RestResponse } from './rest-request.ts';

export interface RestServer {
  readonly url: string;
  readonly server: Server;
  close(): Promise<void>;
}

/** The same app under a plain node server: for tests, for parity with Java, for a laptop. Port 0: any free one. */
export async function startHttpServer(app: RestApp, port = 0, host = '127.0.0.1'): Promise<RestServer> {
  const server = createServer({ maxHeaderSize: 16_384, requestTimeout: 30_000 }, (message, response) => {
    serve(app, message, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function serve(app: RestApp, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBody(message);
  const { status, headers, body: text } = body === null ? tooLarge() : await app(plainRequest(message, body));
  response.writeHead(status, { ...headers, ...(status === 204 ? {} : { 'content-length': Buffer.byteLength(text) }) });
  response.end(message.method === 'HEAD' ? undefined : text);
}

function plainRequest(message: IncomingMessage, body: Buffer): RestRequest {
  const [path = '/', query = ''] = splitOnce(message.url ?? '/', '?');
  return {
    method: message.method ?? 'GET',
    path,
    pathDecoded: false,
    query,
    headers: message.headers as Record<string, string | undefined>,
    body: body.toString('utf8'),
    bodyNotUtf8: !isUtf8(body),
    baseUrl: `http://${message.headers.host ?? 'localhost'}`,
  };
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** Null: larger than any request may be. */
async function readBody(message: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= bodyLimits.bytes + 1) chunks.push(chunk);
  }
  return bytes > bodyLimits.bytes + 1 ? null : Buffer.concat(chunks);
}

function tooLarge(): RestResponse {
  const { answer } = mapError(
    new ConnectError('body.too_large', `The request body is larger than ${bodyLimits.bytes} bytes`),
  );
  return { status: answer.error_code, headers: { 'content-type': 'application/json' }, body: writeJson(answer) };
}
