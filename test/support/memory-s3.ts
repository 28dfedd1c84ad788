import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SeenObject {
  readonly key: string;
  readonly bytes: Buffer;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Upload {
  readonly key: string;
  readonly metadata: Readonly<Record<string, string>>;
  initiatedAt: number;
  readonly parts: Map<number, { readonly etag: string; readonly bytes: Buffer }>;
}

export interface SinkRequest {
  /** `PutObject`, `UploadPart` and so on. */
  readonly operation: string;
  readonly key: string;
  readonly bytes: number;
}

const smallestPartBytes = 5 << 20;

/**
 * One bucket in memory, over HTTP, by AWS's own rules where the emulator has others: parts that are too small are refused,
 * an upload that is done or aborted is none, and making an object of one may be bound to a condition.
 */
export class MemoryS3 {
  readonly bucket = 'bucket';
  readonly requests: SinkRequest[] = [];
  /** Asked before a request is carried out; a code in place of an answer. */
  fault: (request: SinkRequest) => { readonly status: number; readonly code: string } | undefined = () => undefined;
  readonly #objects = new Map<string, SeenObject & { readonly etag: string }>();
  readonly #uploads = new Map<string, Upload>();
  readonly #server: Server;
  #ids = 0;

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (request, response) => {
      this.#answer(request, response).catch((error) => refuse(response, 500, String(error)));
    });
  }

  static async start(): Promise<MemoryS3> {
    const server = createServer();
    const store = new MemoryS3(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return store;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Of Confluent's connector. */
  get confluent(): Record<string, string> {
    return {
      'connector.class': 'io.confluent.connect.s3.S3SinkConnector',
      's3.bucket.name': this.bucket,
      'store.url': this.endpoint,
      's3.region': 'eu-central-1',
      'aws.access.key.id': 'id',
      'aws.secret.access.key': 'secret',
    };
  }

  /** Of Aiven's connector. */
  get aiven(): Record<string, string> {
    return {
      'connector.class': 'io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector',
      'aws.s3.bucket.name': this.bucket,
      'aws.s3.endpoint': this.endpoint,
      'aws.s3.region': 'eu-central-1',
      'aws.access.key.id': 'id',
      'aws.secret.access.key': 'secret',
    };
  }

  /** Files of the connectors, without what they keep for themselves; by key. */
  get files(): SeenObject[] {
    return this.objects.filter(({ key }) => !key.includes('_drover/'));
  }

  get objects(): SeenObject[] {
    return [...this.#objects.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  get uploads(): { readonly id: string; readonly key: string; readonly parts: number }[] {
    return [...this.#uploads].map(([id, { key, parts }]) => ({ id, key, parts: parts.size }));
  }

  put(key: string, bytes: Buffer, metadata: Record<string, string> = {}): void {
    this.#store(key, bytes, metadata, etagOf(bytes));
  }

  #store(key: string, bytes: Buffer, metadata: Readonly<Record<string, string>>, etag: string): void {
    this.#objects.set(key, { key, bytes, metadata, etag });
  }

  delete(key: string): void {
    this.#objects.delete(key);
  }

  begin(key: string, initiatedAt: number): void {
    this.#uploads.set(`old-${this.#ids++}`, { key, metadata: {}, initiatedAt, parts: new Map() });
  }

  abortAll(): void {
    this.#uploads.clear();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const body = await bodyOf(request);
    const url = new URL(request.url ?? '/', this.endpoint);
    const [, , ...rest] = url.pathname.split('/');
    const key = decodeURIComponent(rest.join('/'));
    const method = request.method ?? 'GET';
    const query = url.searchParams;
    const operation = operationOf(method, key, query);
    const seen = { operation, key: key || (query.get('prefix') ?? ''), bytes: body.length };
    this.requests.push(seen);
    const fault = this.fault(seen);
    if (fault !== undefined) return refuse(response, fault.status, fault.code);
    const md5 = request.headers['content-md5'];
    if (md5 !== undefined && md5 !== createHash('md5').update(body).digest('base64')) {
      return refuse(response, 400, 'BadDigest');
    }
    const upload = this.#uploads.get(query.get('uploadId') ?? '');
    const metadata = metadataOf(request);
    switch (operation) {
      case 'CreateMultipartUpload': {
        const id = `upload-${this.#ids++}`;
        this.#uploads.set(id, { key, metadata, initiatedAt: Date.now(), parts: new Map() });
        return xml(
          response,
          `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
        );
      }
      case 'UploadPart': {
        if (upload?.key !== key) return refuse(response, 404, 'NoSuchUpload');
        const etag = etagOf(body);
        upload.parts.set(Number(query.get('partNumber')), { etag, bytes: body });
        response.writeHead(200, { ETag: etag }).end();
        return;
      }
      case 'CompleteMultipartUpload':
        return this.#complete(query.get('uploadId') ?? '', upload, key, body.toString(), request, response);
      case 'AbortMultipartUpload':
        this.#uploads.delete(query.get('uploadId') ?? '');
        response.writeHead(204).end();
        return;
      case 'PutObject':
        this.put(key, body, metadata);
        response.writeHead(200, { ETag: etagOf(body) }).end();
        return;
      case 'PutObjectTagging':
        response.writeHead(200).end();
        return;
      case 'DeleteObject':
        this.delete(key);
        response.writeHead(204).end();
        return;
      case 'ListMultipartUploads': {
        const items = [...this.#uploads].map(
          ([id, one]) =>
            `<Upload><Key>${one.key}</Key><UploadId>${id}</UploadId><Initiated>${new Date(one.initiatedAt).toISOString()}</Initiated></Upload>`,
        );
        return xml(response, `<ListMultipartUploadsResult>${items.join('')}</ListMultipartUploadsResult>`);
      }
    }
    const found = this.#objects.get(key);
    if (found === undefined) return refuse(response, 404, method === 'HEAD' ? 'NotFound' : 'NoSuchKey');
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const bytes = from === undefined ? found.bytes : found.bytes.subarray(Number(from), Number(to) + 1);
    const own = Object.fromEntries(
      Object.entries(found.metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]),
    );
    response.writeHead(from === undefined ? 200 : 206, {
      ETag: found.etag,
      'Content-Length': String(bytes.length),
      ...own,
    });
    response.end(method === 'HEAD' ? undefined : bytes);
  }

  #complete(
    id: string,
    upload: Upload | undefined,
    key: string,
    body: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): unknown {
    const wrong = (status: number, code: string) => refuse(response, status, code);
    if (upload?.key !== key) return wrong(404, 'NoSuchUpload');
    const there = this.#objects.get(key);
    const { 'if-none-match': none, 'if-match': match } = request.headers;
    if (none === '*' && there !== undefined) return wrong(412, 'PreconditionFailed');
    if (match !== undefined && match !== there?.etag) return wrong(412, 'PreconditionFailed');
    const named = [...body.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part]) => ({
      etag: /<ETag>(.*?)<\/ETag>/s.exec(part!)![1]!.replaceAll('&quot;', '"'),
      number: Number(/<PartNumber>(\d+)</.exec(part!)![1]),
    }));
    const parts = named.map(({ number, etag }) => {
      const part = upload.parts.get(number);
      return part?.etag === etag ? part : null;
    });
    if (parts.includes(null)) return wrong(400, 'InvalidPart');
    if (parts.slice(0, -1).some((part) => part!.bytes.length < smallestPartBytes)) {
      return wrong(400, 'EntityTooSmall');
    }
    this.#uploads.delete(id);
    const bytes = Buffer.concat(parts.map((part) => part!.bytes));
    this.#store(key, bytes, upload.metadata, `${etagOf(bytes).slice(0, -1)}-${parts.length}"`);
    return xml(response, `<CompleteMultipartUploadResult><Key>${key}</Key></CompleteMultipartUploadResult>`);
  }
}

function operationOf(method: string, key: string, query: URLSearchParams): string {
  if (key === '') return query.has('uploads') ? 'ListMultipartUploads' : 'ListObjectsV2';
  if (method === 'POST') return query.has('uploads') ? 'CreateMultipartUpload' : 'CompleteMultipartUpload';
  if (method === 'PUT')
    return query.has('partNumber') ? 'UploadPart' : query.has('tagging') ? 'PutObjectTagging' : 'PutObject';
  if (method === 'DELETE') return query.has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject';
  return method === 'HEAD' ? 'HeadObject' : 'GetObject';
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function metadataOf({ headers }: IncomingMessage): Record<string, string> {
  const own = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-'));
  return Object.fromEntries(own.map(([name, value]) => [name.slice('x-amz-meta-'.length), String(value)]));
}

const etagOf = (bytes: Buffer) => `"${createHash('md5').update(bytes).digest('hex')}"`;

function refuse(response: ServerResponse, status: number, code: string): unknown {
  response.writeHead(status, { 'Content-Type': 'application/xml' });
  return response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}

function xml(response: ServerResponse, body: string): unknown {
  response.writeHead(200, { 'Content-Type': 'application/xml' });
  return response.end(`<?xml version="1.0" encoding="UTF-8"?>${body}`);
}
