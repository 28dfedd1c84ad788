import { createHmac } from 'node:crypto';
import { buffersOf, type HookBuffer } from '../../../connectors/webhook/buffer.ts';
import { WebhookFeed } from '../../../connectors/webhook/feed.ts';
import type { ConnectorConfig, FedItem, FedOutcome, FeedContext, SourceRecord } from '../../../src/api/index.ts';

/** Epoch milliseconds: when these tests take place. */
export const now = Date.UTC(2026, 10, 28, 12);

export const open = { name: 'orders', 'kafka.topic': 'orders', 'http.auth.type': 'none' } as const;

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** As an HTTP API gives it to Lambda (payload 2.0): what is no text, or encoded, comes as base64. */
export function httpEvent({ method = 'POST', headers = {}, body = '' }: Sent) {
  const lower: Record<string, string> = { 'content-type': 'application/json', host: 'hooks.example' };
  for (const [name, value] of Object.entries(headers)) lower[name.toLowerCase()] = value;
  return {
    version: '2.0',
    routeKey: 'ANY /hooks/{connector}',
    rawPath: '/hooks/orders',
    rawQueryString: '',
    headers: lower,
    requestContext: {
      accountId: '111122223333',
      apiId: 'a1b2c3',
      domainName: 'hooks.example',
      http: { method, path: '/hooks/orders', protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'curl/8' },
      requestId: 'JKJaXmPLvHcESHA=',
      routeKey: 'ANY /hooks/{connector}',
      stage: '$default',
      time: '28/Nov/2026:12:00:00 +0000',
      timeEpoch: now,
    },
    pathParameters: { connector: 'orders' },
    body: typeof body === 'string' ? body : body.toString('base64'),
    isBase64Encoded: typeof body !== 'string',
  };
}

export interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Told {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
  readonly items: readonly FedItem[];
  readonly records: readonly SourceRecord[];
  readonly warnings: readonly string[];
}

type Become = (item: FedItem) => FedOutcome;

/** What the worker does with the default policy: what cannot be read is refused, the rest acknowledged. */
export const acknowledged: Become = ({ records }) => {
  const unreadable = records.map(unreadableIn).find((error) => error !== null);
  return unreadable === undefined ? { state: 'done' } : { state: 'refused', error: unreadable };
};

export const unreadableIn = ({ instead }: SourceRecord): Error | null =>
  instead !== null && instead !== 'mark' ? instead.error : null;

/** One event from `start` to `stop`. */
export async function feed(
  config: ConnectorConfig,
  event: unknown,
  { become = acknowledged, buffer = buffersOf({}) }: { become?: Become; buffer?: HookBuffer } = {},
) {
  const warnings: string[] = [];
  const context: FeedContext = {
    connector: config.name ?? 'orders',
    signal: new AbortController().signal,
    deadlineAt: now + 25_000,
    offsetStorageReader: { offset: async () => null, offsets: async () => [null] },
    warn: (message) => warnings.push(message),
  };
  const one = new WebhookFeed({ now: () => now, buffer });
  one.start({ ...open, ...config }, context);
  const items = await one.items(event);
  const answer = one.answer(event, items.map(become));
  one.stop();
  return { items, answer, warnings };
}

/** One request, and what its sender is told. */
export async function send(
  config: Readonly<Record<string, string>>,
  sent: Sent,
  options: Parameters<typeof feed>[2] = {},
): Promise<Told> {
  const { items, answer, warnings } = await feed({ ...open, ...config }, httpEvent(sent), options);
  const { statusCode, headers, body } = answer as Answer;
  return {
    status: statusCode,
    headers,
    body: JSON.parse(body),
    items,
    records: items.flatMap(({ records }) => records),
    warnings,
  };
}

export const hmac = (
  secret: string | Buffer,
  text: string | Buffer,
  encoding: 'hex' | 'base64' = 'hex',
  algorithm = 'sha256',
) => createHmac(algorithm, secret).update(text).digest(encoding);
