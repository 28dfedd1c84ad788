import { isIP } from 'node:net';
import type { Callback, Connection, ConnectionOptions, Reader, SASLOptions, Writer } from '@platformatic/kafka';
import { ConnectError, RetriableError } from '../errors.ts';
import { type ApiVersionsResponse, apiVersionsCall } from './protocol/api-versions.ts';
import type { ApiCall } from './protocol/request.ts';
import { WireReader } from './protocol/wire-reader.ts';
import { WireWriter } from './protocol/wire-writer.ts';

/** Loaded when the first connection is opened: a run that needs no broker does not pay for the library. */
const library = () => import('./library.ts');

export interface ConnectionSettings {
  readonly clientId: string;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly maxInFlight: number;
  readonly tls: ConnectionOptions['tls'];
  readonly sasl: ConnectionOptions['sasl'];
}

function causes(error: unknown): unknown[] {
  const list: unknown[] = [];
  const visit = (current: unknown, depth: number) => {
    if (!(current instanceof Error) || depth > 8) return;
    list.push(current);
    if (current instanceof AggregateError) for (const inner of current.errors) visit(inner, depth + 1);
    visit(current.cause, depth + 1);
  };
  visit(error, 0);
  return list;
}

/** What the library or the socket raised, as one of ours. Only a refused log-in or certificate is final. */
export function connectionError(error: unknown, address: string): ConnectError {
  if (error instanceof ConnectError) return error;
  const all = causes(error) as (Error & { code?: unknown })[];
  const deepest = all.at(-1);
  const reason = deepest?.message ?? String(error);
  if (all.some((one) => one.code === 'PLT_KFK_AUTHENTICATION')) {
    return new ConnectError(
      'kafka.authentication_failed',
      `The broker at ${address} refused the log-in: ${reason}. Check sasl.mechanism and the credentials`,
      { cause: error, javaClass: 'SaslAuthenticationException' },
    );
  }
  const tls = all.find(
    (one) =>
      typeof one.code === 'string' &&
      /^(ERR_SSL|ERR_TLS|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|CERT_|HOSTNAME_MISMATCH)/.test(one.code),
  );
  if (tls || all.some((one) => one.code === 'PLT_KFK_USER')) {
    return new ConnectError(
      'kafka.tls_failed',
      `No TLS connection to the broker at ${address}: ${(tls ?? deepest)?.message ?? reason}. ` +
        'Check security.protocol, the CA, and the client certificate if the broker asks for one',
      { cause: error, javaClass: 'SslAuthenticationException' },
    );
  }
  return new RetriableError(`The broker at ${address} cannot be reached or did not answer: ${reason}`, {
    cause: error,
    code: 'kafka.unreachable',
  });
}

/** A session is left when this part of its life is over. */
const sessionUse = 0.8;

/**
 * Logs in, and keeps the session's life from the library: it would log in again on the live connection while other
 * requests go out on it, which brokers refuse (KIP-368). Here a connection with an old session is replaced instead.
 */
function authenticator(onSession: (lifetimeMs: number) => void): NonNullable<SASLOptions['authenticate']> {
  return (mechanism, connection, api, username, password, token, callback) => {
    const login = async (send: typeof api) => {
      const { saslOAuthBearer, saslPlain, saslScramSha } = await library();
      if (mechanism === 'OAUTHBEARER') return saslOAuthBearer.authenticate(send, connection, token ?? '', {});
      const credentials = [username ?? '', password ?? ''] as const;
      if (mechanism === 'PLAIN') return saslPlain.authenticate(send, connection, ...credentials);
      const algorithm = mechanism === 'SCRAM-SHA-256' ? 'SHA-256' : 'SHA-512';
      return saslScramSha.authenticate(send, connection, algorithm, ...credentials);
    };
    // The library throws at an answer that is no SCRAM, out of the socket's own event: that would end the process.
    const failure = Promise.withResolvers<never>();
    failure.promise.catch(() => {});
    const send: typeof api = Object.assign(
      (...[target, bytes, done]: Parameters<typeof api>) =>
        api(target, bytes, (error, response) => {
          try {
            done?.(error, response);
          } catch (thrown) {
            failure.reject(thrown);
          }
        }),
      { async: api.async, key: api.key, version: api.version },
    );
    Promise.race([login(send), failure.promise]).then(
      (response) => {
        onSession(Number(response.sessionLifetimeMs));
        callback(null, { ...response, sessionLifetimeMs: 0n });
      },
      (error: Error) => callback(error, undefined as never),
    );
  };
}

/** One connection to one broker. After any time-out or error it is dead and says so; the pool opens another. */
export class BrokerConnection {
  readonly address: string;
  readonly #connection: Connection;
  readonly #newWriter: () => Writer;
  readonly #expiresAt: number;
  #lastUsedAt = Date.now();
  #pending = 0;
  #retired = false;
  #versions: Promise<ApiVersionsResponse> | null = null;

  private constructor(address: string, connection: Connection, expiresAt: number, newWriter: () => Writer) {
    this.address = address;
    this.#expiresAt = expiresAt;
    this.#connection = connection;
    this.#newWriter = newWriter;
  }

  static async open(host: string, port: number, settings: ConnectionSettings): Promise<BrokerConnection> {
    const { Connection: LibraryConnection, Writer: LibraryWriter } = await library();
    const options: ConnectionOptions = {
      connectTimeout: settings.connectTimeoutMs,
      requestTimeout: settings.requestTimeoutMs,
      maxInflights: settings.maxInFlight,
    };
    if (settings.tls) {
      options.tls = settings.tls;
      // A server name must not be an address (RFC 6066).
      if (isIP(host) === 0) options.tlsServerName = true;
    }
    let expiresAt = Number.POSITIVE_INFINITY;
    if (settings.sasl) {
      const authenticate = authenticator((lifetimeMs) => {
        if (lifetimeMs > 0) expiresAt = Date.now() + lifetimeMs * sessionUse;
      });
      options.sasl = { ...settings.sasl, authenticate };
    }
    const connection = new LibraryConnection(settings.clientId, options);
    connection.on('error', () => {});
    const address = `${host}:${port}`;
    try {
      await connection.connect(host, port);
    } catch (error) {
      connection.close().catch(() => {});
      throw connectionError(error, address);
    }
    return new BrokerConnection(address, connection, expiresAt, () => LibraryWriter.create());
  }

  get alive(): boolean {
    return this.#connection.isConnected() && Date.now() < this.#expiresAt;
  }

  /** Closes as soon as all answers are in. */
  retire(): void {
    this.#retired = true;
    if (this.#pending === 0) this.close().catch(() => {});
  }

  /** Requests sent and not yet answered. */
  get pending(): number {
    return this.#pending;
  }

  idleMs(now: number): number {
    return this.#pending > 0 ? 0 : now - this.#lastUsedAt;
  }

  /** Whether this broker speaks the call's version; asked once a connection, for calls that not all brokers know. */
  async speaks({ key, version }: ApiCall<never, unknown>): Promise<boolean> {
    this.#versions ??= this.call(apiVersionsCall, null).catch((error) => {
      this.#versions = null;
      throw error;
    });
    return ((await this.#versions).newest.get(key) ?? -1) >= version;
  }

  call<Request, Response>(api: ApiCall<Request, Response>, request: Request): Promise<Response> {
    const writer = new WireWriter();
    api.write(writer, request);
    return this.send(api, [writer.finish()]);
  }

  /** `expectAnswer` false: resolves with null once the bytes are handed to the socket (acks=0). */
  send<Response>(api: ApiCall<never, Response>, pieces: readonly Buffer[]): Promise<Response>;
  send<Response>(
    api: ApiCall<never, Response>,
    pieces: readonly Buffer[],
    expectAnswer: boolean,
  ): Promise<Response | null>;
  send<Response>(
    api: ApiCall<never, Response>,
    pieces: readonly Buffer[],
    expectAnswer = true,
  ): Promise<Response | null> {
    return new Promise((resolve, reject) => {
      this.#pending++;
      this.#lastUsedAt = Date.now();
      const callback: Callback<Response | null> = (error, response) => {
        this.#pending--;
        if (this.#retired) this.retire();
        this.#lastUsedAt = Date.now();
        if (error) reject(connectionError(error, this.address));
        else resolve(expectAnswer ? (response as Response) : null);
      };
      this.#connection.send<Response | null>(
        api.key,
        api.version,
        () => {
          const writer = this.#newWriter();
          for (const piece of pieces) writer.append(piece);
          if (!expectAnswer) writer.context.noResponse = true;
          return writer;
        },
        (_correlationId: number, _key: number, _version: number, reader: Reader) =>
          api.read(new WireReader(reader.buffer.buffer.subarray(reader.position))),
        api.tagged?.request ?? true,
        api.tagged?.response ?? true,
        callback,
      );
    });
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}
