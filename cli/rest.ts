import { setTimeout as sleep } from 'node:timers/promises';
import { connectorNameFault, unreachableName } from '../src/config/connector-name.ts';
import { CliError, exitCodes } from './faults.ts';
import type { HttpAnswer } from './http.ts';
import type { Installation } from './installation.ts';
import { isRecord, type Json, parseJson, printJson } from './json.ts';

const rebalanceAttempts = 30;
const rebalancePauseMs = 1000;

export interface RestAnswer {
  readonly status: number;
  readonly body: Json;
}

/** A refusal of the API: `status` as HTTP has it. */
export class RestError extends CliError {
  readonly status: number;

  constructor(status: number, message: string) {
    super(
      message,
      status === 404 ? exitCodes.missing : status === 401 || status === 403 ? exitCodes.unreachable : exitCodes.refused,
    );
    this.status = status;
  }
}

/** The Connect REST API of an installation. Every refusal is a RestError in the API's own words. */
export class Rest {
  readonly #installation: Pick<Installation, 'restUrl' | 'send' | 'auth'>;
  readonly #signal: AbortSignal | undefined;

  constructor(installation: Pick<Installation, 'restUrl' | 'send' | 'auth'>, signal?: AbortSignal) {
    this.#installation = installation;
    this.#signal = signal;
  }

  async call(method: string, path: string, body?: unknown): Promise<RestAnswer> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#ask(method, path, body);
      } catch (error) {
        // A Java worker says so for a moment after each change, and has done nothing.
        const passes =
          error instanceof RestError &&
          (error.status === 409 || error.status === 500) &&
          /\brebalance\b/.test(error.message);
        if (!passes || attempt === rebalanceAttempts) throw error;
        await sleep(rebalancePauseMs, undefined, this.#signal === undefined ? {} : { signal: this.#signal });
      }
    }
  }

  async #ask(method: string, path: string, body: unknown): Promise<RestAnswer> {
    const answer = await this.#installation.send(
      {
        method,
        url: new URL(this.#installation.restUrl + path),
        headers: {
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? new Uint8Array() : Buffer.from(printJson(body, 0)),
      },
      this.#signal,
    );
    if (answer.status >= 400) throw this.#refusal(answer);
    return { status: answer.status, body: answer.body.length === 0 ? null : this.#read(answer) };
  }

  async get(path: string): Promise<Json> {
    return (await this.call('GET', path)).body;
  }

  /** Null instead of 404. */
  async find(path: string): Promise<Json> {
    return await this.get(path).catch((error: unknown) => {
      if (error instanceof RestError && error.status === 404) return null;
      throw error;
    });
  }

  #read({ body, status }: HttpAnswer): Json {
    try {
      return parseJson(body.toString('utf8'));
    } catch {
      throw new CliError(
        `${this.#installation.restUrl} is no Connect REST API: it answers ${status} with what is no JSON`,
        exitCodes.unreachable,
      );
    }
  }

  #refusal({ status, body }: HttpAnswer): CliError {
    const text = body.toString('utf8');
    let said: Json = null;
    try {
      said = parseJson(text);
    } catch {
      // Somebody in front of the API has answered.
    }
    const message = isRecord(said) && typeof said.message === 'string' ? said.message : null;
    const isOurs = isRecord(said) && 'error_code' in said;
    const { auth, restUrl } = this.#installation;
    if ((status === 401 || status === 403) && !isOurs) {
      const mend = {
        iam: 'The signature was refused: whose credentials are these (aws sts get-caller-identity), and has drover.grantApiAccess let them in?',
        token: 'The token was refused: is DROVER_TOKEN still valid, and for this API?',
        none: 'It asks who calls: --auth iam signs with AWS credentials, --auth token sends DROVER_TOKEN',
      }[auth];
      return new RestError(
        status,
        `${restUrl} does not let us in (${status}${message === null ? '' : `: ${message}`}). ${mend}`,
      );
    }
    if (status === 429)
      return new RestError(status, `${restUrl} is asked too often (429): wait, or raise the prop throttle`);
    if (message === null) {
      return new RestError(
        status,
        `${restUrl} answers ${status}: ${text.slice(0, 300) || 'nothing'}. Is it the address of a Connect REST API?`,
      );
    }
    return new RestError(status, message);
  }
}

/** A name as one segment of a path; throws for one that none can hold, which would lead somewhere else. */
export function segment(name: string): string {
  // Of one that there cannot be, some refuse the path itself.
  const why = unreachableName(name) ?? connectorNameFault(name);
  if (why === null) return encodeURIComponent(name);
  throw new CliError(`${JSON.stringify(name)} is out of reach: ${why}`, exitCodes.missing);
}
