import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';

/** A server of somebody who collects what is sent to him. */
export interface Recorder {
  /** `host:port`. */
  readonly address: string;
  /** All that has arrived, headers and certificates of clients included. */
  received(): Buffer;
  clear(): void;
  close(): Promise<void>;
}

const saslHandshake = 17;
const apiVersions = 18;
const saslAuthenticate = 36;

/**
 * A broker that is ready for every way of proving who one is, and takes whatever comes: it leads clients on to where they
 * send what they have. With `tls` it asks them for a certificate too.
 */
export async function recordingBroker(tls?: { readonly key: string; readonly cert: string }): Promise<Recorder> {
  const chunks: Buffer[] = [];
  const sockets = new Set<Socket>();
  const talk = (socket: Socket | TLSSocket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    if ('getPeerCertificate' in socket) chunks.push(socket.getPeerCertificate(true).raw ?? Buffer.alloc(0));
    let pending = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
        const end = 4 + pending.readInt32BE(0);
        answer(socket, pending.subarray(4, end));
        pending = pending.subarray(end);
      }
    });
  };
  const server =
    tls === undefined
      ? createServer(talk)
      : createTlsServer({ ...tls, requestCert: true, rejectUnauthorized: false }, talk);
  return listening(server, chunks, () => {
    for (const socket of sockets) socket.destroy();
  });
}

function answer(socket: Socket, request: Buffer): void {
  const correlation = request.subarray(4, 8);
  const body = answerTo(request.readInt16BE(0));
  if (body === null) {
    socket.destroy();
    return;
  }
  const size = Buffer.alloc(4);
  size.writeInt32BE(correlation.length + body.length);
  socket.write(Buffer.concat([size, correlation, body]));
}

const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER', 'AWS_MSK_IAM'];

/** Null: no more is wanted of this client. */
function answerTo(api: number): Buffer | null {
  switch (api) {
    case apiVersions:
      return Buffer.concat([
        int16(0),
        int32(3),
        ...[
          [saslHandshake, 0, 1],
          [apiVersions, 0, 2],
          [saslAuthenticate, 0, 0],
        ].flatMap((range) => range.map(int16)),
        int32(0),
      ]);
    case saslHandshake:
      return Buffer.concat([int16(0), int32(mechanisms.length), ...mechanisms.map(string)]);
    case saslAuthenticate:
      return Buffer.concat([int16(0), int16(-1), int32(0)]);
    default:
      return null;
  }
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

const string = (text: string) => Buffer.concat([int16(text.length), Buffer.from(text)]);

type Respond = (request: IncomingMessage, body: string, response: ServerResponse) => void;

/** An HTTP server that keeps each request whole: a schema registry, a token endpoint, an AWS service. */
export async function recordingHttp(respond: Respond): Promise<Recorder> {
  const chunks: Buffer[] = [];
  const server = createHttpServer((request, response) => {
    const body: Buffer[] = [];
    request.on('data', (chunk: Buffer) => body.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(body).toString('utf8');
      chunks.push(Buffer.from(`${request.method} ${request.url}\n${request.rawHeaders.join('\n')}\n\n${text}\n`));
      respond(request, text, response);
    });
  });
  return listening(server, chunks, () => server.closeAllConnections());
}

export const json = (response: ServerResponse, status: number, body: unknown) => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

async function listening(server: Server, chunks: Buffer[], cut: () => void): Promise<Recorder> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: () => Buffer.concat(chunks),
    clear: () => {
      chunks.length = 0;
    },
    close: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Which of these texts are in the bytes, in clear, in base64 of any alignment and alphabet, or as URLs and JSON write them. */
export function found(bytes: Buffer, secrets: readonly string[]): string[] {
  const raw = bytes.toString('latin1');
  // Whatever may be base64 is read as such, and what that holds once more: tokens lie in tokens.
  const decoded = (text: string) =>
    [...text.matchAll(/[A-Za-z0-9+/_-]{8,}={0,2}/g)]
      .flatMap(([word]) => [0, 1, 2, 3].map((skip) => Buffer.from(word.slice(skip), 'base64').toString('latin1')))
      .join('\n');
  const once = decoded(raw);
  const all = [raw, once, decoded(once)].join('\n');
  return secrets.filter((secret) => {
    const spellings = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
    return spellings.some((spelling) => all.includes(spelling));
  });
}
