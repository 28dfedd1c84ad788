import { type Clock, systemClock } from '../clock.ts';
import { ConnectError, DataError } from '../errors.ts';
import { BoundedMap } from './bounded-map.ts';
import { RegistryResponseError } from './errors.ts';
import { propertyOf, RestService, type RestSettings } from './rest-service.ts';

export type SchemaType = 'AVRO' | 'PROTOBUF' | 'JSON';

export interface SchemaReference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

/** A schema as the registry keeps it: its text and what the text refers to. */
export interface RegistrySchema {
  readonly schemaType: SchemaType;
  readonly schema: string;
  readonly references: readonly SchemaReference[];
}

export interface RegisteredSchema extends RegistrySchema {
  readonly id: number;
  readonly subject: string | null;
  readonly version: number | null;
}

/** Every schema that a schema refers to, directly or not: reference name → text, what is referred to first. */
export type ResolvedReferences = ReadonlyMap<string, string>;

/**
 * A Confluent-compatible schema registry with its caches. Ids are immutable, so what was once looked up is never asked
 * again; latest versions are kept for `latestTtlMs`. One client is shared by all converters of an environment that
 * talk to the same registry as the same user (see `clientFor`), so a warm run starts with everything known.
 */
export class SchemaRegistryClient {
  readonly #rest: RestService;
  readonly #clock: Clock;
  readonly #answers: BoundedMap<string, { value: unknown; at: number }>;
  readonly #pending = new Map<string, Promise<unknown>>();
  /** What formats compiled for this registry's schemas; keys are the formats' own. */
  readonly compiled: BoundedMap<string, unknown>;

  constructor(rest: RestService, capacity = 1000, clock: Clock = systemClock) {
    this.#rest = rest;
    this.#clock = clock;
    this.#answers = new BoundedMap(capacity * 4);
    this.compiled = new BoundedMap(capacity);
  }

  /** A schema by its global id. `subject` selects the context and the rules that belong to it. */
  schemaById(id: number, subject: string | null): Promise<RegistrySchema> {
    const query = subject === null ? '?fetchMaxId=false' : `?fetchMaxId=false&subject=${encodeURIComponent(subject)}`;
    return this.#once(`id ${id} ${subject}`, async () =>
      readSchema(await this.#rest.get(`/schemas/ids/${id}${query}`), `The schema with id ${id}`),
    );
  }

  /** Registers (idempotently) and answers the id. */
  register(subject: string, schema: RegistrySchema, normalize: boolean): Promise<number> {
    return this.#once(`register ${subject} ${normalize} ${keyOf(schema)}`, async () => {
      const query = normalize ? '?normalize=true' : '';
      return readId(
        await this.#rest.post(`/subjects/${encodeURIComponent(subject)}/versions${query}`, toRequest(schema)),
        subject,
      );
    });
  }

  /** The id under which this schema is registered in the subject; fails with 40403 where it is not. */
  lookUp(subject: string, schema: RegistrySchema, normalize: boolean): Promise<number> {
    return this.#once(`lookup ${subject} ${normalize} ${keyOf(schema)}`, async () => {
      const query = normalize ? '?normalize=true&deleted=false' : '?deleted=false';
      return readId(
        await this.#rest.post(`/subjects/${encodeURIComponent(subject)}${query}`, toRequest(schema)),
        subject,
      );
    });
  }

  /** The version of this schema in the subject, deleted ones too; null where the subject does not hold it. */
  versionOf(subject: string, schema: RegistrySchema): Promise<number | null> {
    return this.#once(`version ${subject} ${keyOf(schema)}`, async () => {
      try {
        const path = `/subjects/${encodeURIComponent(subject)}?deleted=true`;
        const version = propertyOf(await this.#rest.post(path, toRequest(schema)), 'version');
        return typeof version === 'number' ? version : null;
      } catch (error) {
        if (error instanceof RegistryResponseError && error.status === 404) return null;
        throw error;
      }
    });
  }

  /** The newest version of a subject; kept for `ttlMs`, for ever when that is negative. */
  latest(subject: string, ttlMs: number): Promise<RegisteredSchema> {
    return this.#once(
      `latest ${subject}`,
      async () =>
        readRegistered(await this.#rest.get(`/subjects/${encodeURIComponent(subject)}/versions/latest`), subject),
      ttlMs,
    );
  }

  latestWithMetadata(
    subject: string,
    metadata: Readonly<Record<string, string>>,
    ttlMs: number,
  ): Promise<RegisteredSchema> {
    const query = Object.entries(metadata)
      .map(([key, value]) => `key=${encodeURIComponent(key)}&value=${encodeURIComponent(value)}`)
      .join('&');
    return this.#once(
      `metadata ${subject} ${query}`,
      async () =>
        readRegistered(
          await this.#rest.get(`/subjects/${encodeURIComponent(subject)}/metadata?${query}&deleted=true`),
          subject,
        ),
      ttlMs,
    );
  }

  version(subject: string, version: number): Promise<RegisteredSchema> {
    return this.#once(`subject ${subject} ${version}`, async () =>
      readRegistered(
        await this.#rest.get(`/subjects/${encodeURIComponent(subject)}/versions/${version}?deleted=true`),
        subject,
      ),
    );
  }

  async resolveReferences(schema: RegistrySchema): Promise<ResolvedReferences> {
    const resolved = new Map<string, string>();
    await this.#collect(schema.references, resolved, new Set());
    return resolved;
  }

  async #collect(
    references: readonly SchemaReference[],
    into: Map<string, string>,
    visiting: Set<string>,
  ): Promise<void> {
    for (const reference of references) {
      if (into.has(reference.name) || visiting.has(reference.name)) continue;
      visiting.add(reference.name);
      const referred = await this.version(reference.subject, reference.version);
      await this.#collect(referred.references, into, visiting);
      into.set(reference.name, referred.schema);
    }
  }

  /** One request per question, however many records wait for the answer; failures are not remembered. */
  #once<T>(key: string, ask: () => Promise<T>, ttlMs = -1): Promise<T> {
    const known = this.#answers.get(key);
    if (known !== undefined && (ttlMs < 0 || this.#clock.now() - known.at < ttlMs)) {
      return Promise.resolve(known.value as T);
    }
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending as Promise<T>;
    const answer = (async () => {
      try {
        const value = await ask();
        this.#answers.set(key, { value, at: this.#clock.now() });
        return value;
      } finally {
        this.#pending.delete(key);
      }
    })();
    this.#pending.set(key, answer);
    return answer;
  }
}

const clients = new BoundedMap<string, SchemaRegistryClient>(64);

/** The environment's client for this registry and these credentials; made at first sight. */
export function clientFor(settings: RestSettings, capacity: number): SchemaRegistryClient {
  const key = JSON.stringify([settings, capacity]);
  const known = clients.get(key);
  if (known !== undefined) return known;
  const client = new SchemaRegistryClient(new RestService(settings), capacity);
  clients.set(key, client);
  return client;
}

function keyOf(schema: RegistrySchema): string {
  return `${schema.schemaType} ${JSON.stringify(schema.references)} ${schema.schema}`;
}

function toRequest(schema: RegistrySchema): Record<string, unknown> {
  return {
    schema: schema.schema,
    ...(schema.schemaType === 'AVRO' ? {} : { schemaType: schema.schemaType }),
    ...(schema.references.length === 0 ? {} : { references: schema.references }),
  };
}

function readId(answer: unknown, subject: string): number {
  const id = propertyOf(answer, 'id');
  if (typeof id !== 'number') throw new DataError(`The registry answered no schema id for subject ${subject}`);
  return id;
}

function readRegistered(answer: unknown, subject: string): RegisteredSchema {
  const version = propertyOf(answer, 'version');
  return {
    ...readSchema(answer, `Subject ${subject}`),
    id: readId(answer, subject),
    subject,
    version: typeof version === 'number' ? version : null,
  };
}

function readSchema(answer: unknown, what: string): RegistrySchema {
  const schema = propertyOf(answer, 'schema');
  const schemaType = propertyOf(answer, 'schemaType') ?? 'AVRO';
  if (typeof schema !== 'string') throw new DataError(`${what}: the registry answered no schema`);
  if (schemaType !== 'AVRO' && schemaType !== 'PROTOBUF' && schemaType !== 'JSON') {
    throw new DataError(`${what} is of type ${String(schemaType)}, which no converter here can read`);
  }
  refuseRules(propertyOf(answer, 'ruleSet'), what);
  const references = propertyOf(answer, 'references');
  return {
    schemaType,
    schema,
    references: Array.isArray(references) ? references.map((reference) => readReference(reference, what)) : [],
  };
}

function readReference(reference: unknown, what: string): SchemaReference {
  const name = propertyOf(reference, 'name');
  const subject = propertyOf(reference, 'subject');
  const version = propertyOf(reference, 'version');
  if (typeof name !== 'string' || typeof subject !== 'string' || typeof version !== 'number') {
    throw new DataError(`${what}: a reference lacks its name, subject or version`);
  }
  return { name, subject, version };
}

/** Rules may encrypt or rewrite values: reading on without them would pass wrong data, so it is refused. */
function refuseRules(ruleSet: unknown, what: string): void {
  for (const phase of ['domainRules', 'encodingRules']) {
    const rules = propertyOf(ruleSet, phase);
    if (!Array.isArray(rules)) continue;
    const active = rules.find((rule) => propertyOf(rule, 'disabled') !== true);
    if (active !== undefined) {
      throw new ConnectError(
        'registry.rules_unsupported',
        `${what} has the data contract rule ${String(propertyOf(active, 'name'))} (${phase}), ` +
          'and rules cannot be run here: disable it, or read the topic with a converter that runs it',
        { javaClass: 'DataException' },
      );
    }
  }
}
