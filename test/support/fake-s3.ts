import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Bytes of a large object, made when they are asked for. */
export interface MadeContent {
  readonly size: number;
  bytes(start: number, end: number): Buffer;
}

interface Stored {
  readonly content: Buffer | MadeContent;
  readonly etag: string;
  readonly modified: number;
}

export interface Request {
  readonly method: string;
  readonly key: string;
  readonly range: string | null;
}

/** An answer in place of the right one. `drop`: the connection ends in mid-answer. */
export interface Fault {
  readonly status?: number;
  readonly code?: string;
  readonly drop?: boolean;
}

/** One bucket in memory, over HTTP: what the S3 connectors ask of a store, ranges and conditions among it. */
export class FakeS3 {
  readonly bucket = 'bucket';
  readonly requests: Request[] = [];
  /** Asked for every request. */
  fault: (request: Request) => Fault | undefined = () => undefined;
  /** Epoch milliseconds of the beginnings of uploads under way. */
  uploads: number[] = [];
  /** Of objects that are put. */
  now: () => number = Date.now;
  readonly #objects = new Map<string, Stored>();
  readonly #server: Server;
  #puts = 0;

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (request, response) => this.#answer(request, response));
  }

  static async start(): Promise<FakeS3> {
    const server = createServer();
    const fake = new FakeS3(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return fake;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Of a connector of Aiven's that reads this bucket. */
  get settings(): Record<string, string> {
    return {
      'aws.s3.bucket.name': this.bucket,
      'aws.s3.endpoint': this.endpoint,
      'aws.s3.region': 'eu-central-1',
      'aws.access.key.id': 'id',
      'aws.secret.access.key': 'secret',
    };
  }

  put(key: string, content: Buffer | string | MadeContent, modified = this.now()): void {
    const stored = typeof content === 'string' ? Buffer.from(content) : content;
    const seed = Buffer.isBuffer(stored) ? stored : `made ${this.#puts++}`;
    const etag = `"${createHash('md5').update(seed).digest('hex')}"`;
    this.#objects.set(key, { content: stored, etag, modified: Math.floor(modified / 1000) * 1000 });
  }

  delete(key: string): void {
    this.#objects.delete(key);
  }

  keys(): string[] {
    return [...this.#objects.keys()].sort();
  }

  /** Bytes that were given out of an object. */
  bytesRead(key: string): number {
    const ranges = this.requests.filter((request) => request.method === 'GET' && request.key === key);
    return ranges.reduce((sum, { range }) => {
      const [, start, end] = /bytes=(\d+)-(\d+)/.exec(range ?? '') ?? [];
      return sum + (end === undefined ? 0 : Number(end) - Number(start) + 1);
    }, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  #answer(request: IncomingMessage, response: ServerResponse): unknown {
    request.resume();
    const url = new URL(request.url ?? '/', this.endpoint);
    const [, , ...rest] = url.pathname.split('/');
    const key = decodeURIComponent(rest.join('/'));
    const method = request.method ?? 'GET';
    const range = request.headers.range ?? null;
    const seen = { method, key, range };
    this.requests.push(seen);
    const fault = this.fault(seen);
    if (fault?.status !== undefined) return refuse(response, fault.status, fault.code ?? 'Fault');
    if (key === '') return url.searchParams.has('uploads') ? this.#listUploads(response) : this.#list(url, response);
    const copied = request.headers['x-amz-copy-source'];
    if (method === 'PUT' && typeof copied === 'string') return this.#copy(key, copied, response);
    const stored = this.#objects.get(key);
    if (stored === undefined) return refuse(response, 404, method === 'HEAD' ? 'NotFound' : 'NoSuchKey');
    const wanted = request.headers['if-match'];
    if (wanted !== undefined && wanted !== stored.etag) return refuse(response, 412, 'PreconditionFailed');
    if (method === 'DELETE') {
      this.#objects.delete(key);
      response.writeHead(204).end();
      return;
    }
    give(response, stored, method, range, fault?.drop === true);
  }

  #copy(key: string, source: string, response: ServerResponse): unknown {
    const [, ...rest] = decodeURIComponent(source).replace(/^\//, '').split('/');
    const stored = this.#objects.get(rest.join('/'));
    if (stored === undefined) return refuse(response, 404, 'NoSuchKey');
    this.#objects.set(key, { ...stored, modified: Math.floor(this.now() / 1000) * 1000 });
    xml(response, `<CopyObjectResult><ETag>${stored.etag}</ETag></CopyObjectResult>`);
  }

  #list(url: URL, response: ServerResponse): void {
    const { searchParams } = url;
    const after = searchParams.get('continuation-token') ?? searchParams.get('start-after') ?? '';
    const prefix = searchParams.get('prefix') ?? '';
    const most = Number(searchParams.get('max-keys') ?? 1000);
    const all = this.keys().filter((key) => key.startsWith(prefix) && key > after);
    const page = all.slice(0, most);
    const more = all.length > page.length;
    const contents = page.map((key) => {
      const { content, etag, modified } = this.#objects.get(key)!;
      const size = Buffer.isBuffer(content) ? content.length : content.size;
      return `<Contents><Key>${escaped(key)}</Key><ETag>${etag}</ETag><Size>${size}</Size><LastModified>${new Date(modified).toISOString()}</LastModified></Contents>`;
    });
    const token = more ? `<NextContinuationToken>${escaped(page.at(-1)!)}</NextContinuationToken>` : '';
    xml(
      response,
      `<ListBucketResult><IsTruncated>${more}</IsTruncated>${token}${contents.join('')}</ListBucketResult>`,
    );
  }

  #listUploads(response: ServerResponse): void {
    const uploads = this.uploads.map((at, index) => {
      const initiated = new Date(at).toISOString();
      return `<Upload><Key>u${index}</Key><UploadId>${index}</UploadId><Initiated>${initiated}</Initiated></Upload>`;
    });
    xml(response, `<ListMultipartUploadsResult>${uploads.join('')}</ListMultipartUploadsResult>`);
  }
}

function give(response: ServerResponse, stored: Stored, method: string, range: string | null, drop: boolean): unknown {
  const { content, etag, modified } = stored;
  const size = Buffer.isBuffer(content) ? content.length : content.size;
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
  const start = first === undefined ? 0 : Number(first);
  const end = last === undefined ? size : Math.min(size, Number(last) + 1);
  if (start >= size && range !== null) return refuse(response, 416, 'InvalidRange');
  const headers = {
    ETag: etag,
    'Last-Modified': new Date(modified).toUTCString(),
    'Content-Length': String(end - start),
    ...(range === null ? {} : { 'Content-Range': `bytes ${start}-${end - 1}/${size}` }),
  };
  response.writeHead(range === null ? 200 : 206, headers);
  if (method === 'HEAD') {
    response.end();
    return;
  }
  const bytes = Buffer.isBuffer(content) ? content.subarray(start, end) : content.bytes(start, end);
  if (!drop) {
    response.end(bytes);
    return;
  }
  response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'Content-Type': 'application/xml' });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}

function xml(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'Content-Type': 'application/xml' });
  response.end(`<?xml version="1.0" encoding="UTF-8"?>${body}`);
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
