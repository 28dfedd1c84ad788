import { CliError, exitCodes } from './faults.ts';

/* One command over several things: each is tried, and what was refused decides how it ends. */

export interface Tried<T> {
  readonly done: readonly { readonly name: string; readonly value: T }[];
  readonly failures: readonly { readonly name: string; readonly error: CliError }[];
  /** Nobody answers, or lets us in, any more: those behind were not tried. */
  readonly stopped: CliError | null;
}

/** A refusal is about one, and the others may be well; where nobody answers they would fare no better. */
export const isOfOne = (error: unknown): error is CliError =>
  error instanceof CliError && error.exitCode !== exitCodes.unreachable;

/** One after the other, or some at once; `failed` hears of a refusal at once. Rejects with what is no CliError. */
export async function tryEach<T>(
  names: readonly string[],
  act: (name: string) => Promise<T>,
  failed: (name: string, error: CliError) => void = () => {},
  atOnce = 1,
): Promise<Tried<T>> {
  const done: Tried<T>['done'][number][] = [];
  const failures: Tried<T>['failures'][number][] = [];
  let stopped: CliError | null = null;
  const left = names.values();
  const work = async () => {
    for (const name of left) {
      if (stopped !== null) return;
      try {
        done.push({ name, value: await act(name) });
      } catch (error) {
        if (!(error instanceof CliError)) throw error;
        if (!isOfOne(error)) stopped = error;
        else {
          failures.push({ name, error });
          failed(name, error);
        }
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return { done, failures, stopped };
}

/**
 * Throws where not all were done: how many, or the own error of the only one, unless that has been told. It ends as they
 * all do, else as refused.
 */
export function requireAll<T>(
  { done, failures, stopped }: Tried<T>,
  what: { readonly [Count in 'one' | 'many']: string } = { one: 'was refused', many: 'were refused' },
  isTold = false,
): void {
  const tried = done.length + failures.length;
  if (stopped !== null) {
    const before =
      tried === 0 ? '' : `. ${tried} ${tried === 1 ? 'was' : 'were'} tried before, ${failures.length} of them refused`;
    throw new CliError(`${stopped.message}${before}`, stopped.exitCode);
  }
  const [first] = failures;
  if (first === undefined) return;
  if (tried === 1 && !isTold) throw first.error;
  const same = failures.every(({ error }) => error.exitCode === first.error.exitCode);
  throw new CliError(
    `${failures.length} of ${tried} ${failures.length === 1 ? what.one : what.many}`,
    same ? first.error.exitCode : exitCodes.refused,
  );
}
