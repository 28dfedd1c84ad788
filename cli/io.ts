import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';

/** What surrounds the program, so that it can be run as a function. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  readStdin(): Promise<string>;
  /** Null: there is nobody to ask. */
  readonly confirm: ((question: string) => Promise<boolean>) | null;
  /** Whether colours are welcome. */
  readonly colours: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  now(): number;
  /** Aborted by Ctrl-C; what follows or serves ends by it. */
  readonly ending: AbortSignal;
}

/** Colours on a terminal only, and not where NO_COLOR is set (https://no-color.org) or the terminal has none. */
export function wantsColours(env: Io['env'], isTerminal: boolean): boolean {
  return isTerminal && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
}

export function processIo(): Io {
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // Twice: whoever does not end by the first shall end by the second.
      if (ending.signal.aborted) process.exit(130);
      ending.abort();
    });
  }
  // `drover get connectors | head`: who has read enough is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return {
    out: (line) => void process.stdout.write(line),
    err: (line) => void process.stderr.write(line),
    readStdin: () => text(process.stdin),
    confirm: process.stdin.isTTY && process.stderr.isTTY ? ask : null,
    colours: wantsColours(process.env, process.stdout.isTTY === true),
    env: process.env,
    cwd: process.cwd(),
    now: Date.now,
    ending: ending.signal,
  };
}

async function ask(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}
