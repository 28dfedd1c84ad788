import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { messageOf } from './faults.ts';
import type { HttpAnswer } from './http.ts';
import type { Installation } from './installation.ts';
import { shellWord } from './shell-words.ts';

export interface ProxyOptions {
  readonly installation: Pick<Installation, 'restUrl' | 'send'>;
  /** Names, besides this machine's own, under which clients may ask: `host.docker.internal`. */
  readonly hosts: readonly string[];
  /** Told of each request. */
  readonly log?: (line: string) => void;
}

/** Of one hop (RFC 9110, 7.6.1), or made anew for the next one. */
const hopHeaders = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'content-length',
  'expect',
  'accept-encoding',
  // Ours takes its place: many clients send an empty one.
  'authorization',
]);

/**
 * Hands requests on with the installation's own signature. Whoever reaches it acts as the user, so it answers to this
 * machine's names only, and to no page of another site: else any page in a browser here could ask it.
 */
export function createProxy({ installation, hosts, log }: ProxyOptions): Server {
  const base = new URL(installation.restUrl);
  const known = new Set(['localhost', ...hosts.map((host) => host.toLowerCase())]);
  return createServer((incoming, outgoing) => {
    const startedAt = performance.now();
    const done = (status: number) =>
      log?.(`${incoming.method} ${incoming.url} ${status} ${Math.round(performance.now() - startedAt)} ms`);
    handle(incoming, base, known, installation)
      .then((answer) => {
        reply(outgoing, answer, base, incoming);
        done(answer.status);
      })
      .catch((error: unknown) => {
        const { status = 502, message = messageOf(error) } = error instanceof Refusal ? error : {};
        refuse(outgoing, status, message);
        done(status);
      });
  });
}

class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function handle(
  incoming: IncomingMessage,
  base: URL,
  known: ReadonlySet<string>,
  { send }: Pick<Installation, 'send'>,
): Promise<HttpAnswer> {
  const host = hostOf(incoming.headers.host ?? '');
  if (!isKnown(host, known)) {
    throw new Refusal(
      403,
      `The proxy does not answer to the name ${host}: start it with --allow-host ${shellWord(host)} if that is meant`,
    );
  }
  const { origin } = incoming.headers;
  const fromPage = origin !== undefined && (!URL.canParse(origin) || !isKnown(hostOf(new URL(origin).host), known));
  if (fromPage || incoming.headers['sec-fetch-site'] === 'cross-site') {
    throw new Refusal(
      403,
      `The proxy does not answer to pages of other sites${origin === undefined ? '' : ` (${origin})`}`,
    );
  }
  const url = targetOf(base, incoming.url ?? '/');
  const headers = Object.entries(incoming.headers).flatMap(([name, value]): [string, string][] =>
    value === undefined || hopHeaders.has(name) ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
  );
  return await send({
    method: incoming.method ?? 'GET',
    url,
    headers: Object.fromEntries(headers),
    body: await buffer(incoming),
  });
}

/** The path as it stands: names in it may hold any escape. */
function targetOf(base: URL, target: string): URL {
  const asked = target.startsWith('/') ? target : new URL(target).pathname;
  const path = `${base.pathname.replace(/\/+$/, '')}${asked}`;
  return new URL(base.origin + path);
}

function hostOf(host: string): string {
  return host
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
}

/** A page cannot be served under a bare address by somebody else's name. */
const isKnown = (host: string, known: ReadonlySet<string>) =>
  isIP(host) !== 0 || host.endsWith('.localhost') || known.has(host);

function reply(
  outgoing: ServerResponse,
  { status, headers, body }: HttpAnswer,
  base: URL,
  incoming: IncomingMessage,
): void {
  const own = Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]): [string, string | string[]][] => {
      if (hopHeaders.has(name)) return [];
      if (typeof value !== 'string') return [[name, [...value]]];
      return [[name, name === 'location' ? locationHere(value, base, incoming.headers.host ?? '') : value]];
    }),
  );
  const length = status === 204 || status === 304 ? {} : { 'content-length': String(body.byteLength) };
  outgoing.writeHead(status, { ...own, ...length });
  outgoing.end(incoming.method === 'HEAD' ? undefined : body);
}

/** What was made is found through the proxy; the API may think of its own address with another scheme. */
function locationHere(location: string, base: URL, host: string): string {
  if (!URL.canParse(location)) return location;
  const there = new URL(location);
  if (there.host !== base.host) return location;
  const prefix = base.pathname.replace(/\/+$/, '');
  const path = there.pathname.startsWith(`${prefix}/`) ? there.pathname.slice(prefix.length) : there.pathname;
  return `http://${host}${path}${there.search}`;
}

/** In the shape that Connect's clients read. */
function refuse(outgoing: ServerResponse, status: number, message: string): void {
  if (outgoing.headersSent) return void outgoing.destroy();
  outgoing.writeHead(status, { 'content-type': 'application/json' });
  outgoing.end(JSON.stringify({ error_code: status, message }));
}
