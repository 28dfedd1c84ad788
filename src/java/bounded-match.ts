import { createContext, Script } from 'node:vm';
import { ConfigError } from '../errors.ts';

/** How long a regular expression may take for all that it is asked at once; an ordinary answer takes microseconds. */
const limitMs = 500;

/** Where the machine is so busy that half of the time is not ours. */
const mostAttempts = 3;

/** Texts on which a pattern has run into the limit: it is not tried on them again. */
const hopeless = new Set<string>();
const remembered = 1000;

interface Room {
  run: () => void;
}

let room: {
  readonly global: Room;
  readonly script: Script;
  readonly context: ReturnType<typeof createContext>;
} | null = null;

/**
 * Runs a regular expression that comes from a config and might not come back: some patterns take longer than the
 * universe will last, on texts of 60 characters. V8 looks up from backtracking when it is told to terminate, which a
 * script with a timeout does; the watchdog costs a fraction of a millisecond, so patterns that cannot run away are
 * matched without it (see `isQuick`). Answers for each of the texts; throws ConfigError that names the pattern's setting.
 */
export function boundedMatch<T>(
  about: { readonly pattern: string; readonly key: string | null },
  texts: readonly string[],
  match: (text: string) => T,
): T[] {
  const known = texts.find((text) => hopeless.has(idOf(about.pattern, text)));
  if (known !== undefined) throw tooSlow(about, known);
  const answers: T[] = [];
  const before = process.cpuUsage();
  for (let attempt = 1; ; attempt++) {
    const done = finishes(() => {
      while (answers.length < texts.length) answers.push(match(texts[answers.length]!));
    });
    if (done) return answers;
    const { user, system } = process.cpuUsage(before);
    // A process that was not let run has found nothing out.
    if ((user + system) / 1000 < limitMs / 2 && attempt < mostAttempts) continue;
    const text = texts[answers.length]!;
    if (hopeless.size >= remembered) hopeless.clear();
    hopeless.add(idOf(about.pattern, text));
    throw tooSlow(about, text);
  }
}

function finishes(work: () => void): boolean {
  if (room === null) {
    const global: Room = { run: () => {} };
    room = { global, script: new Script('run()'), context: createContext(global) };
  }
  room.global.run = work;
  try {
    room.script.runInContext(room.context, { timeout: limitMs });
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    return false;
  } finally {
    room.global.run = () => {};
  }
}

const idOf = (pattern: string, text: string) => `${pattern}\n${text}`;

function tooSlow({ pattern, key }: { pattern: string; key: string | null }, text: string): ConfigError {
  const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  return new ConfigError(
    `The regular expression ${pattern}${key === null ? '' : ` of ${key}`} was stopped after ${limitMs} ms on "${shown}": ` +
      'it tries too many ways to match. Write it without repetitions inside repetitions, such as (a+)+',
    key === null ? {} : { key },
  );
}
