import { isUtf8 } from 'node:buffer';
import { gzipSync } from 'node:zlib';
import { ConnectError } from '../errors.ts';
import { mapError } from './error-mapper.ts';
import { writeJson } from './json-body.ts';
import { looksDecoded, type RestRequest, type RestResponse } from './rest-request.ts';

/** What is read of an HTTP API event (payload format 2.0). */
export interface HttpApiEvent {
  readonly rawPath: string;
  readonly rawQueryString?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string | null;
  readonly isBase64Encoded?: boolean;
  readonly requestContext: {
    readonly stage?: string;
    readonly domainName?: string;
    readonly http: { readonly method: string };
  };
}

export interface HttpApiResult {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

export interface GatewayOptions {
  /** Under which the API is mapped, with a leading slash and none at its end; empty: at the root. */
  readonly pathPrefix: string;
}

export function requestOf(event: HttpApiEvent, { pathPrefix }: GatewayOptions): RestRequest {
  const headers = lowerCased(event.headers ?? {});
  const { path, prefix } = withoutPrefix(event, pathPrefix);
  return {
    method: event.requestContext.http.method.toUpperCase(),
    path,
    pathDecoded: looksDecoded(path),
    ...(headers['x-forwarded-uri'] === undefined ? {} : { uriAsSent: headers['x-forwarded-uri'] }),
    query: event.rawQueryString ?? '',
    headers,
    ...bodyOf(event),
    baseUrl: baseUrl(event, headers, prefix),
  };
}

function lowerCased(headers: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** A stage other than the default one is part of the path, and so is the mapping of a custom domain. */
function withoutPrefix(event: HttpApiEvent, pathPrefix: string): { readonly path: string; readonly prefix: string } {
  const stage = event.requestContext.stage;
  const prefixes = [pathPrefix, stage === undefined || stage === '$default' ? '' : `/${stage}`];
  let path = event.rawPath.startsWith('/') ? event.rawPath : `/${event.rawPath}`;
  let removed = '';
  for (const prefix of prefixes) {
    if (prefix === '' || !(path === prefix || path.startsWith(`${prefix}/`))) continue;
    path = path.slice(prefix.length) || '/';
    removed += prefix;
  }
  return { path, prefix: removed };
}

function bodyOf({ body, isBase64Encoded }: HttpApiEvent): Pick<RestRequest, 'body' | 'bodyNotUtf8'> {
  if (body === undefined || body === null) return { body: '' };
  if (isBase64Encoded !== true) return { body };
  const bytes = Buffer.from(body, 'base64');
  return { body: bytes.toString('utf8'), bodyNotUtf8: !isUtf8(bytes) };
}

function baseUrl(event: HttpApiEvent, headers: Readonly<Record<string, string | undefined>>, prefix: string): string {
  const host = headers.host ?? event.requestContext.domainName;
  if (host === undefined || !/^[A-Za-z0-9.:[\]_-]+$/.test(host)) return prefix;
  return `${headers['x-forwarded-proto'] === 'http' ? 'http' : 'https'}://${host}${prefix}`;
}

/** Lambda carries answers of 6 MB, what it wraps around the body included. */
const largestAnswer = 5_500_000;

/** What is too large goes compressed where the caller takes that, and is refused clearly where not. */
export function resultOf(response: RestResponse, acceptEncoding: string | undefined): HttpApiResult {
  const { status, headers, body } = response;
  if (jsonBytes(body) <= largestAnswer) return { statusCode: status, headers, body, isBase64Encoded: false };
  if (/\bgzip\b/.test(acceptEncoding ?? '')) {
    const compressed = gzipSync(body).toString('base64');
    if (compressed.length <= largestAnswer) {
      const encoded = { ...headers, 'content-encoding': 'gzip' };
      return { statusCode: status, headers: encoded, body: compressed, isBase64Encoded: true };
    }
  }
  const { answer } = mapError(
    new ConnectError(
      'answer.too_large',
      `The answer takes ${Buffer.byteLength(body)} bytes and API Gateway carries 6 MB: ask for one connector at a time, ` +
        'leave out `expand`, or send `Accept-Encoding: gzip`',
    ),
  );
  return { statusCode: answer.error_code, headers, body: writeJson(answer), isBase64Encoded: false };
}

/** The body's size inside Lambda's JSON answer, where quotes are escaped once more. */
function jsonBytes(body: string): number {
  return body.length * 6 <= largestAnswer ? body.length : Buffer.byteLength(JSON.stringify(body));
}
