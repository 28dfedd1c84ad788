import { request } from 'node:http';
import type { Conversation } from './rest-conversations.ts';

/** What was answered to a step, with everything that differs from one worker to the next taken out. */
export interface Answer {
  readonly step: string;
  readonly status: number;
  readonly location?: string;
  readonly body?: unknown;
}

const patience = 30_000;

/** Plays a conversation and deletes the connectors that it named. */
export async function play(base: string, { steps }: Conversation, id: string): Promise<Answer[]> {
  const answers: Answer[] = [];
  try {
    for (const step of steps) {
      const [method = '', path = '', ...rest] = step.replaceAll('$id', id).split(' ');
      const more = rest.join(' ');
      if (method === 'until') await until(base, path, more);
      else
        answers.push({
          step,
          ...normal(base, id, path, await send(base, method, path, more === '' ? undefined : more)),
        });
    }
  } finally {
    const names = JSON.parse((await send(base, 'GET', '/connectors')).text) as string[];
    for (const name of names.filter((candidate) => candidate.includes(id))) {
      await send(base, 'DELETE', `/connectors/${encodeURIComponent(name)}`);
    }
  }
  return answers;
}

async function until(base: string, path: string, text: string): Promise<void> {
  const giveUpAt = Date.now() + patience;
  for (;;) {
    const response = await send(base, 'GET', path);
    if (response.text.includes(text)) return;
    if (Date.now() > giveUpAt) throw new Error(`GET ${path} never held ${text}, but ${response.text}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

interface Response {
  readonly status: number;
  readonly location: string | undefined;
  readonly text: string;
}

/** The path goes out as it stands, which fetch would not let it. A worker in a rebalance is asked again. */
async function send(base: string, method: string, path: string, body?: string): Promise<Response> {
  for (;;) {
    const response = await sendOnce(base, method, Buffer.from(path).toString('latin1'), body);
    if (!/rebalance|stale configuration|no known leader/i.test(response.text)) return response;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

function sendOnce(base: string, method: string, path: string, body: string | undefined): Promise<Response> {
  const { hostname, port } = new URL(base);
  const headers = body === undefined ? {} : { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers: { ...headers, connection: 'close' } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          location: response.headers.location,
          text: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Where Java leaks how its JSON library sees a body, a 400 with words of our own is the answer. */
const leaked =
  /^(org\.apache\.|Cannot (?:invoke|construct|deserialize)|Unrecognized field|Unexpected char|Unrecognized token)/;

function normal(base: string, id: string, path: string, { status, location, text }: Response): Omit<Answer, 'step'> {
  const parsed = text.startsWith('{') || text.startsWith('[') ? JSON.parse(text, keepNumbers) : undefined;
  const said = path.startsWith('/connectors?') ? withoutStrangers(parsed, id) : parsed;
  if (status === 500 && leaked.test((said as { message: string }).message)) return { status: 400, body: 'an error' };
  // Java's HTTP server answers in HTML, before its REST API sees the request.
  if (status === 400 && said === undefined) return { status, body: 'an error' };
  return {
    status,
    ...(location === undefined
      ? {}
      : { location: decodeURIComponent(location.replace(base, '')).replaceAll(id, '$id') }),
    ...(said === undefined ? {} : { body: plain(said, id) }),
  };
}

function keepNumbers(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' && !Number.isSafeInteger(value) ? `number ${context?.source}` : value;
}

const varying = new Set(['worker_id', 'version', 'trace', 'last_modified', 'documentation']);
const unordered = new Set(['offsets', 'topics']);

function plain(value: unknown, id: string, key = ''): unknown {
  if (typeof value === 'string') {
    const text = value.replaceAll(id, '$id');
    return text
      .replace(/(?:[\w.]+Exception: )?(Failed to find any class .* available connectors are: ).*/s, '$1…')
      .replace(
        /(Connector config \{)(.*)(?=\} contains)/,
        (_, before, map) => before + map.split(', ').sort().join(', '),
      )
      .replace(/(case insensitive\): )(.*)/, (_, before, list) => before + list.split(', ').sort().join(', '));
  }
  if (Array.isArray(value)) {
    const items = value.map((item) => plain(item, id));
    return unordered.has(key) ? items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, item]): [string, unknown] => [
    name.replaceAll(id, '$id'),
    varying.has(name) && item !== null ? '…' : plain(item, id, name),
  ]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** `expand` tells of everybody's connectors. */
function withoutStrangers(said: object, id: string): object {
  return Object.fromEntries(Object.entries(said).filter(([name]) => name.includes(id)));
}
