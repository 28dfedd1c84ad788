import type { HostLine } from './host-process.ts';

/** A logged line into the log of the task that runs: the host sends only what is worth a warning. */
export function lineTold(line: HostLine, context: { warn(message: string): void }): void {
  const trace = line.trace === null ? '' : `\n${line.trace.trimEnd()}`;
  context.warn(`${line.level ?? ''} ${line.logger ?? ''}: ${line.message}${trace}`.trimStart());
}
