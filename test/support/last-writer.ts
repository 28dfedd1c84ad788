/** One write of a register: from when to when it may have taken effect, and whether it surely did. */
export interface RegisterWrite {
  readonly value: string;
  readonly startedAt: number;
  /** When it was answered, or when whoever asked died. */
  readonly endedAt: number;
  readonly acknowledged: boolean;
}

/**
 * Whether a register that holds `value` forgot an acknowledged write: some write of this value must not be surely
 * overwritten, that is, no acknowledged write began after it had ended. Null: all is well.
 */
export function forgottenWrite(initial: string, writes: readonly RegisterWrite[], value: string): string | null {
  const first = {
    value: initial,
    startedAt: Number.NEGATIVE_INFINITY,
    endedAt: Number.NEGATIVE_INFINITY,
    acknowledged: true,
  };
  const candidates = [first, ...writes].filter((write) => write.value === value);
  const overwritten = (write: RegisterWrite) =>
    writes.find((later) => later.acknowledged && later.startedAt > write.endedAt);
  if (candidates.some((write) => overwritten(write) === undefined)) return null;
  const last = candidates.at(-1);
  if (last === undefined) return `nobody wrote ${value}`;
  return `${value} was overwritten by ${overwritten(last)?.value}, which was acknowledged and is forgotten`;
}
