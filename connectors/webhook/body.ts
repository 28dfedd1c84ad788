import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib';
import { Refusal } from './refusal.ts';

/** What a body says of itself. */
export interface ContentType {
  /** Type and subtype in lower case; empty when there is none. */
  readonly type: string;
  /** In lower case; null when it names none. */
  readonly charset: string | null;
}

export function contentTypeOf(header: string | undefined): ContentType {
  const [type = '', ...parameters] = (header ?? '').split(';');
  const charset = parameters
    .map((parameter) => /^\s*charset\s*=\s*"?([^"\s]+)"?\s*$/i.exec(parameter)?.[1])
    .find((found) => found !== undefined);
  return { type: type.trim().toLowerCase(), charset: charset?.toLowerCase() ?? null };
}

/** `allowed`: types with `*` for any part. A body that does not say its type is taken for an allowed one. */
export function checkContentType({ type }: ContentType, allowed: readonly string[]): void {
  if (type === '' || allowed.some((pattern) => matches(type, pattern.toLowerCase()))) return;
  throw new Refusal(
    415,
    `This hook takes no ${type}: send Content-Type: ${allowed.join(' or ')}, or name it in the setting http.content.types`,
    { headers: { accept: allowed.join(', ') } },
  );
}

function matches(type: string, pattern: string): boolean {
  const expression = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*');
  return new RegExp(`^${expression}$`).test(type);
}

interface Sizes {
  readonly sent: number;
  readonly decoded: number;
}

export function checkBodySize(body: Buffer, limits: Pick<Sizes, 'sent'>): void {
  if (body.length <= limits.sent) return;
  throw new Refusal(
    413,
    `The body has ${body.length} bytes, this hook takes ${limits.sent}: send less at once` +
      ' (the setting is http.body.max.bytes)',
  );
}

type Decoder = (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const asyncInflate = promisify(inflate) as Decoder;
const asyncInflateRaw = promisify(inflateRaw) as Decoder;

const decoders: Readonly<Record<string, Decoder>> = {
  gzip: promisify(gunzip) as Decoder,
  'x-gzip': promisify(gunzip) as Decoder,
  br: promisify(brotliDecompress) as Decoder,
  // By the standard with zlib's frame; some senders leave it out.
  deflate: (body, options) => (hasZlibFrame(body) ? asyncInflate(body, options) : asyncInflateRaw(body, options)),
};

const hasZlibFrame = (body: Buffer) => body.length >= 2 && (body[0]! & 0x0f) === 8 && body.readUInt16BE(0) % 31 === 0;

/** Most encodings that one body may be wrapped in: each costs a pass. */
const mostEncodings = 2;

/** The body with its content encodings undone, the last one first. */
export async function decodeBody(body: Buffer, encoding: string | undefined, limits: Sizes): Promise<Buffer> {
  const names = (encoding ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'identity');
  const unknown = names.find((name) => !Object.hasOwn(decoders, name));
  if (unknown !== undefined || names.length > mostEncodings) {
    throw new Refusal(
      415,
      unknown === undefined
        ? `The body is encoded ${names.length} times: at most ${mostEncodings} times will do`
        : `The content encoding ${unknown.slice(0, 40)} is not known: send gzip, deflate, br, or none`,
      { headers: { 'accept-encoding': 'gzip, deflate, br' } },
    );
  }
  let decoded = body;
  for (const name of names.reverse()) decoded = await decode(name, decoded, limits.decoded);
  return decoded;
}

async function decode(name: string, body: Buffer, most: number): Promise<Buffer> {
  try {
    return await decoders[name]!(body, { maxOutputLength: most });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new Refusal(
        413,
        `The body has more than ${most} bytes once ${name} is undone: send less at once (the setting is http.body.decoded.max.bytes)`,
      );
    }
    throw new Refusal(400, `The body is not what its Content-Encoding says: ${name} cannot be undone`, { cause });
  }
}

/** The text of a body. Fatal about bytes that are none of it: what is written to Kafka is what was sent. */
export function textOf(body: Buffer, { charset }: ContentType): string {
  let decoder: InstanceType<typeof TextDecoder>;
  try {
    decoder = new TextDecoder(charset ?? 'utf-8', { fatal: true });
  } catch {
    throw new Refusal(415, `The charset ${String(charset).slice(0, 40)} is not known: send UTF-8`);
  }
  try {
    return decoder.decode(body);
  } catch (cause) {
    throw new Refusal(
      400,
      `The body is not ${decoder.encoding.toUpperCase()}: send it so, or set http.record.value=bytes to take it as it is`,
      { cause },
    );
  }
}
