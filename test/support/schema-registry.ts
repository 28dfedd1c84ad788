import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import avsc from 'avsc';

type SchemaType = 'AVRO' | 'PROTOBUF' | 'JSON';

interface Reference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

interface Stored {
  readonly id: number;
  readonly schemaType: SchemaType;
  readonly schema: string;
  readonly references: readonly Reference[];
  readonly ruleSet?: unknown;
}

interface Version {
  readonly version: number;
  readonly stored: Stored;
  deleted: boolean;
}

class Refusal extends Error {
  readonly status: number;
  readonly code: number;
  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export interface RegistryOptions {
  /** `user:password` that requests must present; without it none are asked for. */
  readonly userInfo?: string;
  readonly bearerToken?: string;
  readonly port?: number;
  readonly compatibility?: 'NONE' | 'BACKWARD';
}

/**
 * A schema registry as Confluent's REST API shows it: subjects, versions, global ids by content, references, lookups,
 * compatibility of Avro schemas, soft deletes, error codes. Faults can be planted for the next requests.
 */
export class FakeSchemaRegistry {
  readonly #options: RegistryOptions;
  readonly #subjects = new Map<string, Version[]>();
  readonly #byContent = new Map<string, Stored>();
  readonly #byId = new Map<number, Stored>();
  readonly #faults: (number | 'hang' | 'garbage' | 'reset')[] = [];
  readonly #server: Server;
  /** `METHOD path` of every request, in order. */
  readonly requests: string[] = [];
  compatibility: 'NONE' | 'BACKWARD';

  private constructor(options: RegistryOptions) {
    this.#options = options;
    this.compatibility = options.compatibility ?? 'BACKWARD';
    this.#server = createServer((request, response) => this.#serve(request, response));
  }

  static async start(options: RegistryOptions = {}): Promise<FakeSchemaRegistry> {
    const registry = new FakeSchemaRegistry(options);
    await new Promise<void>((resolve) => registry.#server.listen(options.port ?? 0, '127.0.0.1', resolve));
    return registry;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** What the next requests meet, one each: a status, no answer at all, an answer that is not JSON, a reset. */
  fail(...faults: (number | 'hang' | 'garbage' | 'reset')[]): void {
    this.#faults.push(...faults);
  }

  /** Registers without a request. */
  add(
    subject: string,
    schema: string,
    schemaType: SchemaType = 'AVRO',
    references: readonly Reference[] = [],
    ruleSet?: unknown,
  ): number {
    return this.#register(subject, { schema, schemaType, references, ruleSet });
  }

  /** Stores a text as it is, however wrong. */
  plant(subject: string, schema: string, schemaType: SchemaType): number {
    const stored = { id: this.#byId.size + 1, schema, schemaType, references: [] };
    this.#byId.set(stored.id, stored);
    this.#subjects.set(subject, [{ version: 1, stored, deleted: false }]);
    return stored.id;
  }

  schemaOf(subject: string, version = -1): string {
    const versions = this.#subjects.get(subject) ?? [];
    const found = version < 0 ? versions.at(-1) : versions.find((one) => one.version === version);
    if (found === undefined) throw new Error(`${subject} has no version ${version}`);
    return found.stored.schema;
  }

  subjects(): string[] {
    return [...this.#subjects.keys()];
  }

  softDelete(subject: string): void {
    for (const version of this.#subjects.get(subject) ?? []) version.deleted = true;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    this.requests.push(`${request.method} ${request.url}`);
    const fault = this.#faults.shift();
    if (fault === 'hang') return;
    if (fault === 'reset') {
      request.socket.destroy();
      return;
    }
    const send = (status: number, body: unknown) => {
      response.writeHead(status, { 'Content-Type': 'application/vnd.schemaregistry.v1+json' });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    };
    if (fault === 'garbage') return send(200, '<html>a proxy says hello</html>');
    if (fault !== undefined) return send(fault, { error_code: fault * 100 + 1, message: `planted ${fault}` });
    try {
      this.#authenticate(request);
      const body = chunks.length === 0 ? null : (JSON.parse(Buffer.concat(chunks).toString('utf8')) as Partial<Stored>);
      send(200, this.#answer(request.method ?? 'GET', new URL(request.url ?? '/', 'http://registry'), body));
    } catch (error) {
      if (error instanceof Refusal) send(error.status, { error_code: error.code, message: error.message });
      else send(500, { error_code: 50001, message: String(error) });
    }
  }

  #authenticate(request: IncomingMessage): void {
    const { userInfo, bearerToken } = this.#options;
    const given = request.headers.authorization;
    if (userInfo !== undefined && given !== `Basic ${Buffer.from(userInfo).toString('base64')}`) {
      throw new Refusal(401, 401, 'Unauthorized');
    }
    if (bearerToken !== undefined && given !== `Bearer ${bearerToken}`) throw new Refusal(401, 401, 'Unauthorized');
  }

  #answer(method: string, url: URL, body: Partial<Stored> | null): unknown {
    const parts = url.pathname.split('/').slice(1).map(decodeURIComponent);
    const [room, first, second, third] = parts;
    const deleted = url.searchParams.get('deleted') === 'true';
    if (room === 'schemas' && first === 'ids' && method === 'GET') {
      const stored = this.#byId.get(Number(second));
      if (stored === undefined) throw new Refusal(404, 40403, `Schema ${second} not found`);
      return withoutAvroType(stored);
    }
    if (room === 'subjects' && first === undefined) return [...this.#subjects.keys()];
    if (room !== 'subjects' || first === undefined) throw new Refusal(404, 404, 'HTTP 404 Not Found');
    if (method === 'POST' && second === 'versions') {
      if (typeof body?.schema !== 'string') throw new Refusal(422, 42201, 'Empty schema');
      return { id: this.#register(first, content(body)) };
    }
    if (method === 'POST' && second === undefined) return this.#lookUp(first, content(body ?? {}), deleted);
    if (method === 'GET' && second === 'versions' && third !== undefined) return this.#version(first, third, deleted);
    throw new Refusal(405, 405, 'HTTP 405 Method Not Allowed');
  }

  #register(subject: string, given: Omit<Stored, 'id'>): number {
    this.#validate(given);
    const key = keyOf(given);
    const versions = this.#subjects.get(subject) ?? [];
    const same = versions.find(({ stored, deleted }) => !deleted && keyOf(stored) === key);
    if (same !== undefined) return same.stored.id;
    const last = versions.filter(({ deleted }) => !deleted).at(-1);
    if (last !== undefined) this.#checkCompatible(subject, last.stored, given);
    let stored = this.#byContent.get(key);
    if (stored === undefined) {
      stored = { ...given, id: this.#byId.size + 1 };
      this.#byContent.set(key, stored);
      this.#byId.set(stored.id, stored);
    }
    versions.push({ version: versions.length + 1, stored, deleted: false });
    this.#subjects.set(subject, versions);
    return stored.id;
  }

  #validate(given: Omit<Stored, 'id'>): void {
    for (const reference of given.references) this.#version(reference.subject, String(reference.version), true);
    if (given.schemaType === 'PROTOBUF') return;
    try {
      if (given.schemaType === 'AVRO') this.#avro(given);
      else JSON.parse(given.schema);
    } catch (error) {
      if (error instanceof Refusal) throw error;
      throw new Refusal(422, 42201, `Invalid schema ${given.schema}: ${String(error)}`);
    }
  }

  /** avsc is a second reader of Avro schemas: what the product prints must make sense to it. */
  #avro(given: Omit<Stored, 'id'>): avsc.Type {
    const registry = {};
    const define = (references: readonly Reference[]) => {
      for (const { subject, version } of references) {
        const stored = this.#find(subject, version);
        define(stored.references);
        avsc.Type.forSchema(JSON.parse(stored.schema), { registry });
      }
    };
    define(given.references);
    return avsc.Type.forSchema(JSON.parse(given.schema), { registry });
  }

  #checkCompatible(subject: string, old: Stored, given: Omit<Stored, 'id'>): void {
    if (this.compatibility === 'NONE' || given.schemaType !== 'AVRO') return;
    try {
      this.#avro(given).createResolver(this.#avro(old));
    } catch (error) {
      throw new Refusal(
        409,
        409,
        `Schema being registered is incompatible with an earlier schema for subject "${subject}", details: ${String(error)}`,
      );
    }
  }

  #find(subject: string, version: number): Stored {
    const found = this.#subjects.get(subject)?.find((one) => one.version === version);
    if (found === undefined) throw new Refusal(404, 40402, `Version ${version} not found.`);
    return found.stored;
  }

  #lookUp(subject: string, given: Omit<Stored, 'id'>, deleted: boolean): unknown {
    const versions = this.#subjects.get(subject)?.filter((one) => deleted || !one.deleted);
    if (versions === undefined || versions.length === 0)
      throw new Refusal(404, 40401, `Subject '${subject}' not found.`);
    const key = keyOf(given);
    const found = versions.find(({ stored }) => keyOf(stored) === key);
    if (found === undefined) throw new Refusal(404, 40403, 'Schema not found');
    return entity(subject, found);
  }

  #version(subject: string, version: string, deleted: boolean): unknown {
    const versions = this.#subjects.get(subject)?.filter((one) => deleted || !one.deleted);
    if (versions === undefined || versions.length === 0)
      throw new Refusal(404, 40401, `Subject '${subject}' not found.`);
    const found = version === 'latest' ? versions.at(-1) : versions.find((one) => one.version === Number(version));
    if (found === undefined) throw new Refusal(404, 40402, `Version ${version} not found.`);
    return entity(subject, found);
  }
}

function content(body: Partial<Stored>): Omit<Stored, 'id'> {
  return { schema: body.schema ?? '', schemaType: body.schemaType ?? 'AVRO', references: body.references ?? [] };
}

function keyOf({ schemaType, schema, references }: Omit<Stored, 'id'>): string {
  const text = schemaType === 'PROTOBUF' ? schema.replace(/\s+/g, ' ').trim() : JSON.stringify(JSON.parse(schema));
  return `${schemaType} ${JSON.stringify(references)} ${text}`;
}

function withoutAvroType(stored: Stored): unknown {
  const { id: _, schemaType, references, ...rest } = stored;
  return {
    ...rest,
    ...(schemaType === 'AVRO' ? {} : { schemaType }),
    ...(references.length === 0 ? {} : { references }),
  };
}

function entity(subject: string, { version, stored }: Version): unknown {
  return { subject, version, id: stored.id, ...(withoutAvroType(stored) as object) };
}
