import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { gistOf } from '../src/errors.ts';
import { type Connector, findConnector, noConnector } from './connect-api.ts';
import { CliError, usageError } from './faults.ts';
import { connectorWord } from './resources.ts';
import type { Rest } from './rest.ts';
import type { Session } from './session.ts';

const everyMs = 500;

export interface WaitOptions {
  readonly wait?: boolean;
  /** Seconds. */
  readonly timeout: number;
}

export const withWait = (command: Command, forWhat: string): Command =>
  command
    .option('--wait', `wait ${forWhat}`)
    .option('--timeout <seconds>', 'how long to wait at most', secondsOf('--timeout'), 120);

export const secondsOf =
  (option: string) =>
  (text: string): number => {
    const seconds = Number(text);
    if (!(seconds > 0)) throw usageError(`${option} is "${text}": it must be a number of seconds`);
    return seconds;
  };

/** Asks until `check` answers something, then answers that. */
export async function pollUntil<T>(
  session: Session,
  seconds: number,
  check: () => Promise<T | null>,
  tooLate: () => string,
): Promise<T> {
  const deadline = session.io.now() + seconds * 1000;
  for (;;) {
    const found = await check();
    if (found !== null) return found;
    if (session.io.now() >= deadline) throw new CliError(tooLate());
    await sleep(Math.min(everyMs, Math.max(1, deadline - session.io.now())), undefined, { signal: session.io.ending });
  }
}

/** A task that has been asked to run does so when a run of it has said so. */
function isSettled({ status, tasks }: Connector): boolean {
  if (status.state === 'PAUSED' || status.state === 'STOPPED')
    return tasks.every(({ state }) => state === status.state);
  return status.state === 'RUNNING' && tasks.length > 0 && tasks.every(({ state }) => state === 'RUNNING');
}

const failureOf = ({ status, tasks }: Connector): string | null => {
  const trace = [status, ...tasks].find(({ state }) => state === 'FAILED')?.trace ?? null;
  return trace === null ? null : gistOf(trace);
};

/** Until each runs, is paused or is stopped; throws when one has failed. */
export async function awaitSettled(
  session: Session,
  rest: Rest,
  names: readonly string[],
  seconds: number,
): Promise<void> {
  let waiting = names;
  const check = async () => {
    const found = await Promise.all(
      waiting.map(async (name) => ({ name, connector: await findConnector(rest, name) })),
    );
    for (const { name, connector } of found) {
      if (connector === null) throw await noConnector(rest, name);
      const failure = failureOf(connector);
      if (failure !== null)
        throw new CliError(
          `connector/${name} has failed: ${failure}. drover describe ${connectorWord(name)} shows the trace`,
        );
    }
    waiting = found.filter(({ connector }) => !isSettled(connector!)).map(({ name }) => name);
    return waiting.length === 0 ? true : null;
  };
  await pollUntil(
    session,
    seconds,
    check,
    () => `After ${seconds} seconds not yet: ${waiting.join(', ')}. drover describe shows what they do`,
  );
}

/** Until each is in a state, and its tasks with it. */
export async function awaitState(
  session: Session,
  rest: Rest,
  names: readonly string[],
  state: string,
  seconds: number,
): Promise<void> {
  if (state === 'RUNNING') return await awaitSettled(session, rest, names, seconds);
  let waiting = names;
  const check = async () => {
    const found = await Promise.all(
      waiting.map(async (name) => ({ name, connector: await findConnector(rest, name) })),
    );
    waiting = found
      .filter(
        ({ connector }) =>
          connector === null ||
          connector.status.state !== state ||
          connector.tasks.some((task) => task.state !== state),
      )
      .map(({ name }) => name);
    return waiting.length === 0 ? true : null;
  };
  await pollUntil(session, seconds, check, () => `After ${seconds} seconds not yet ${state}: ${waiting.join(', ')}`);
}

/** Until a stopped connector has no task any more: its offsets may be changed. */
export async function awaitGone(session: Session, rest: Rest, name: string, seconds: number): Promise<void> {
  const check = async () => {
    const connector = await findConnector(rest, name);
    if (connector === null) throw await noConnector(rest, name);
    return connector.status.state === 'STOPPED' && connector.tasks.length === 0 ? true : null;
  };
  await pollUntil(
    session,
    seconds,
    check,
    () => `After ${seconds} seconds tasks of ${name} have not let go yet: drover describe ${connectorWord(name)}`,
  );
}
