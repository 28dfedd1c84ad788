import { lookup } from 'node:dns';
import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import type { LookupFunction } from 'node:net';
import { CliError, exitCodes } from './faults.ts';

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Buffer;
}

export type Send = (request: HttpRequest, signal?: AbortSignal) => Promise<HttpAnswer>;

/** API Gateway ends a request after 30 seconds. */
const timeoutMs = 60_000;

/** Names below `localhost` are this machine (RFC 6761), also where the resolver does not know it. */
const lookUp: LookupFunction = (name, options, callback) =>
  lookup(name.endsWith('.localhost') ? 'localhost' : name, options, callback);

/** Rejects with what to do about it when nobody answers. */
export const sendHttp: Send = ({ method, url, headers, body }, signal) =>
  new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? requestTls : requestPlain;
    const limit = AbortSignal.timeout(timeoutMs);
    const outgoing = request(
      url,
      {
        method,
        headers: { ...headers, 'content-length': String(body.byteLength) },
        lookup: lookUp,
        signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', fail);
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: Object.fromEntries(
              Object.entries(incoming.headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
            ),
            body: Buffer.concat(chunks),
          }),
        );
      },
    );
    const fail = (error: NodeJS.ErrnoException) => reject(signal?.aborted ? error : unreachable(url, error));
    outgoing.on('error', fail);
    outgoing.end(body);
  });

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'its name cannot be looked up',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'there is no way to it',
  ECONNRESET: 'the connection was closed',
  ABORT_ERR: `there was no answer within ${timeoutMs / 1000} seconds`,
};

function unreachable(url: URL, error: NodeJS.ErrnoException): CliError {
  const isLocal = /(^|\.)localhost$|^127\.|^\[::1\]$/.test(url.hostname);
  const mend = isLocal
    ? 'Is the local stack up (npm start), and is this its address?'
    : 'Check the address (the output RestUrl of the stack), the network, and the region';
  return new CliError(
    `${url.origin} does not answer: ${reasons[error.code ?? ''] ?? error.message}. ${mend}`,
    exitCodes.unreachable,
  );
}
