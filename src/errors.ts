/**
 * Every error that Drover raises on purpose. `code` is dotted and stable (`connector.not_found`); the HTTP status is
 * chosen from it in `rest/error-mapper.ts` and nowhere else. `javaClass` is the simple name of the exception Java
 * Connect raises in the same place: traces and the data oracle show it.
 */
export class ConnectError extends Error {
  override readonly name: string = 'ConnectError';
  readonly code: string;
  readonly javaClass: string;
  readonly retriable: boolean;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    options: { cause?: unknown; javaClass?: string; retriable?: boolean; facts?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.javaClass = options.javaClass ?? 'ConnectException';
    this.retriable = options.retriable ?? false;
    this.facts = options.facts ?? {};
  }
}

/** Bad data or a schema mismatch; never retriable. Java: DataException. */
export class DataError extends ConnectError {
  override readonly name: string = 'DataError';
  constructor(message: string, options: { cause?: unknown; code?: string; javaClass?: string } = {}) {
    super(options.code ?? 'data.invalid', message, { javaClass: 'DataException', ...options });
  }
}

/** Bytes that cannot be read or written. Java: SerializationException. */
export class SerializationError extends ConnectError {
  override readonly name: string = 'SerializationError';
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('data.serialization', message, { javaClass: 'SerializationException', ...options });
  }
}

/** A setting that is missing or wrong; `facts.key` names it. Java: ConfigException. */
export class ConfigError extends ConnectError {
  override readonly name: string = 'ConfigError';
  constructor(message: string, options: { cause?: unknown; key?: string } = {}) {
    super('config.invalid', message, {
      javaClass: 'ConfigException',
      cause: options.cause,
      ...(options.key === undefined ? {} : { facts: { key: options.key } }),
    });
  }
}

/** Try again later: the runtime backs off, inside the run's budget and then across runs. Java: RetriableException. */
export class RetriableError extends ConnectError {
  override readonly name: string = 'RetriableError';
  constructor(message: string, options: { cause?: unknown; code?: string; facts?: Record<string, unknown> } = {}) {
    super(options.code ?? 'retriable', message, { javaClass: 'RetriableException', retriable: true, ...options });
  }
}

/** The task that was called is gone, with whatever it ran in: nothing more is asked of it. `retriable`: of one that is made anew. */
export class TaskLostError extends ConnectError {
  override readonly name: string = 'TaskLostError';
}

/** The named thing does not exist. Java: NotFoundException. */
export class NotFoundError extends ConnectError {
  override readonly name: string = 'NotFoundError';
  constructor(code: string, message: string) {
    super(code, message, { javaClass: 'NotFoundException' });
  }
}

/** The request conflicts with what is there. Java: AlreadyExistsException and the 409 family. */
export class ConflictError extends ConnectError {
  override readonly name: string = 'ConflictError';
  constructor(code: string, message: string) {
    super(code, message, { javaClass: 'AlreadyExistsException' });
  }
}

/** The lease was lost: a newer invocation runs this task. The zombie stops at once and writes nothing more (I2). */
export class FencedError extends ConnectError {
  override readonly name: string = 'FencedError';
  constructor(message: string, facts: Record<string, unknown> = {}) {
    super('lease.fenced', message, { javaClass: 'ProducerFencedException', facts });
  }
}

export function isRetriable(error: unknown): boolean {
  return error instanceof ConnectError && error.retriable;
}

/** Of a trace on a line: the last cause, which says why, and where it ended, which the first line says, or `told`. */
export function gistOf(trace: string, told?: string): string {
  const lines = trace.split('\n');
  const begins = 'Caused by: ';
  const cause = lines.findLast((line) => line.startsWith(begins));
  const ended = told ?? lines[0]!;
  return cause === undefined ? ended : `${cause.slice(begins.length)} – ${ended}`;
}

/** The error and its causes as text in the layout of a Java stack trace (`class: message`, then `Caused by: …`). */
export function traceOf(error: unknown): string {
  const lines: string[] = [];
  let current: unknown = error;
  for (let depth = 0; current !== undefined && current !== null && depth < 10; depth++) {
    const prefix = depth === 0 ? '' : 'Caused by: ';
    if (current instanceof Error) {
      const title = current instanceof ConnectError ? current.javaClass : current.name;
      lines.push(`${prefix}${title}: ${current.message}`);
      for (const frame of (current.stack ?? '').split('\n')) {
        if (/^\s+at /.test(frame)) lines.push(`\t${frame.trim()}`);
      }
      current = current.cause;
    } else {
      lines.push(`${prefix}${String(current)}`);
      break;
    }
  }
  return `${lines.join('\n')}\n`;
}
