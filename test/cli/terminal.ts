import type { Send } from '../../cli/http.ts';
import type { Io } from '../../cli/io.ts';
import { runCli } from '../../cli/run-cli.ts';
import type { MemoryRest } from '../support/memory-rest.ts';

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface TerminalOptions {
  readonly stdin?: string;
  readonly env?: Io['env'];
  readonly cwd?: string;
  /** What somebody at the terminal answers; left out: there is nobody. */
  readonly answer?: boolean;
  readonly http?: Send;
}

/** Where the API of `httpOf` is said to be. */
export const address = 'http://127.0.0.1:8083';

/** The API over a table in memory, as HTTP. */
export const httpOf =
  (rest: MemoryRest): Send =>
  async ({ method, url, headers, body }) => {
    const answer = await rest.app({
      method,
      path: url.pathname,
      query: url.search.slice(1),
      pathDecoded: false,
      headers,
      body: Buffer.from(body).toString('utf8'),
      baseUrl: '',
    });
    return { status: answer.status, headers: answer.headers, body: Buffer.from(answer.body) };
  };

/** A command line, run as the program runs it. */
export async function type(args: readonly string[], options: TerminalOptions = {}): Promise<Said> {
  let out = '';
  let err = '';
  const { stdin = '', env = {}, cwd = '/', answer, http } = options;
  const io: Io = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    readStdin: async () => stdin,
    confirm: answer === undefined ? null : async () => answer,
    colours: false,
    env,
    cwd,
    now: Date.now,
    ending: new AbortController().signal,
  };
  const code = await runCli(args, io, http);
  return { code, out, err };
}

/** The same, asking the API over a table in memory. */
export const typeTo =
  (rest: MemoryRest) =>
  (args: string | readonly string[], options: TerminalOptions = {}): Promise<Said> =>
    type(['--url', address, ...(typeof args === 'string' ? args.split(' ') : args)], {
      http: httpOf(rest),
      ...options,
    });
