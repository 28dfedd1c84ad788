import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { DeadLetter } from '../answers.ts';
import { allConnectors, deadLetterTopicKey, theConnector } from '../connect-api.ts';
import { CliError, messageOf } from '../faults.ts';
import type { Installation } from '../installation.ts';
import { printJson } from '../json.ts';
import { Rest, RestError } from '../rest.ts';
import { type Asset, pagePath, readAssets } from './assets.ts';
import { ConnectorWatch } from './overview.ts';
import type { RunHistory } from './run-history.ts';

export interface ConsoleOptions {
  readonly installation: Installation;
  /** Where dead letters are read; null: this machine does not reach the brokers. */
  readonly letters: ((topic: string, limit: number) => Promise<DeadLetter[]>) | null;
  readonly runs: Pick<RunHistory, 'look'>;
  readonly now: () => number;
  readonly version: string;
}

/** Everything is the console's own: no script, style, picture or request of anybody else, and nothing inline. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const guards = {
  'content-security-policy': policy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

const tokenHeader = 'x-drover-console';
const tokenPlace = '{{token}}';
const maxBody = 4 << 20;

class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: Uint8Array;
}

const jsonType = 'application/json; charset=utf-8';

/**
 * The page, and behind it the REST API with the installation's own signature. Who reaches it acts as the user: it answers
 * under this machine's own names only (else a page of another site could rebind its name), to its own pages only, and asks
 * of every question the token that is in its page.
 */
export function createConsole(options: ConsoleOptions): Server {
  const { installation, now, runs } = options;
  const assets = readAssets();
  const token = randomBytes(24).toString('base64url');
  const rest = new Rest(installation);
  const watch = new ConnectorWatch(rest, () => allConnectors(rest), now);

  const answer = async (incoming: IncomingMessage): Promise<Reply> => {
    const url = ownAddress(incoming);
    const { pathname, searchParams } = url;
    const method = incoming.method ?? 'GET';
    if (!pathname.startsWith('/api/') && !pathname.startsWith('/ask/')) {
      if (method !== 'GET' && method !== 'HEAD') throw new Refusal(405, 'The page is only to be looked at');
      return page(assets, pathname, token);
    }
    if (!isToken(incoming.headers[tokenHeader], token)) {
      throw new Refusal(401, 'This page is of a console that was started before: load it anew');
    }
    if (pathname.startsWith('/api/')) return await handOn(installation, incoming, method);
    if (method !== 'GET') throw new Refusal(405, 'That is only to be asked');
    switch (pathname) {
      case '/ask/installation': {
        const { restUrl } = installation;
        return json({ restUrl, version: options.version, reachesKafka: options.letters !== null });
      }
      case '/ask/overview':
        return json(await watch.look(searchParams.has('fresh')));
      case '/ask/runs': {
        const since = Number(searchParams.get('since'));
        if (!(since > 0)) throw new Refusal(400, 'since must be epoch milliseconds');
        return json(await runs.look(since, searchParams.get('after')));
      }
      case '/ask/dead-letters':
        return json(await deadLetters(options, rest, searchParams));
      default:
        throw new Refusal(404, `There is nothing at ${pathname}`);
    }
  };

  return createServer((incoming, outgoing) => {
    answer(incoming)
      .catch((error: unknown): Reply => {
        const status = error instanceof Refusal || error instanceof RestError ? error.status : 502;
        return { ...json({ error_code: status, message: messageOf(error) }), status };
      })
      .then((reply) => send(outgoing, incoming, reply))
      .catch(() => outgoing.destroy());
  });
}

/** The address that was asked for, if it is ours and asked by ourselves. */
function ownAddress(incoming: IncomingMessage): URL {
  const { host = '', origin } = incoming.headers;
  const port = incoming.socket.localPort;
  if (![`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`].includes(host.toLowerCase())) {
    throw new Refusal(403, `The console does not answer to the name ${host}: open it under 127.0.0.1`);
  }
  const site = incoming.headers['sec-fetch-site'];
  const foreign = origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`;
  if (foreign || (site !== undefined && site !== 'same-origin' && site !== 'none')) {
    throw new Refusal(403, 'The console does not answer to pages of other sites');
  }
  const target = incoming.url ?? '/';
  if (!target.startsWith('/')) throw new Refusal(400, 'The console is no proxy: ask it for a path');
  return new URL(`http://${host}${target}`);
}

function isToken(given: string | string[] | undefined, token: string): boolean {
  if (typeof given !== 'string' || given.length !== token.length) return false;
  return timingSafeEqual(Buffer.from(given), Buffer.from(token));
}

function page(assets: ReadonlyMap<string, Asset>, pathname: string, token: string): Reply {
  const found = assets.get(pathname === '/' ? pagePath : pathname);
  if (found === undefined) throw new Refusal(404, `There is nothing at ${pathname}`);
  const isPage = found.type.startsWith('text/html');
  const body = isPage ? Buffer.from(found.body.toString('utf8').replace(tokenPlace, token)) : found.body;
  return { status: 200, type: found.type, body };
}

/** The path as it stands: names in it may hold any escape. */
async function handOn(installation: Installation, incoming: IncomingMessage, method: string): Promise<Reply> {
  const chunks = await buffer(incoming);
  if (chunks.byteLength > maxBody) throw new Refusal(413, 'The body is larger than any config');
  const type = incoming.headers['content-type'];
  const answer = await installation.send({
    method,
    url: new URL(installation.restUrl + (incoming.url ?? '').slice('/api'.length)),
    headers: { accept: 'application/json', ...(type === undefined ? {} : { 'content-type': type }) },
    body: chunks,
  });
  return { status: answer.status, type: jsonType, body: answer.body };
}

async function deadLetters({ letters }: ConsoleOptions, rest: Rest, asked: URLSearchParams) {
  const { config, type } = await theConnector(rest, asked.get('connector') ?? '');
  const key = deadLetterTopicKey(type);
  const topic = config[key] ?? '';
  if (topic === '') return { topic: null, key, letters: [] };
  if (letters === null) {
    throw new CliError(
      `Dead letters lie in Kafka (${topic}): start the console with --bootstrap-servers, and --command-config for what the brokers ask`,
    );
  }
  return { topic, key, letters: (await letters(topic, 100)).reverse() };
}

function json(value: unknown): Reply {
  return { status: 200, type: jsonType, body: Buffer.from(printJson(value, 0)) };
}

function send(outgoing: ServerResponse, { method }: IncomingMessage, { status, type, body }: Reply): void {
  const length = status === 204 || status === 304 ? {} : { 'content-length': body.byteLength };
  outgoing.writeHead(status, { ...guards, 'content-type': type, ...length });
  outgoing.end(method === 'HEAD' ? undefined : body);
}
