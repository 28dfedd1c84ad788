import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** Node's own limit of a semi-space, in MB; there are two that it keeps, and a third while it copies. */
const mostMb = 16;

/**
 * Lambda starts Node with `--max-semi-space-size` of a twentieth of the function's memory, on the command line, which no
 * setting undoes: batches of records that are under way grow V8's young generation to it, and it keeps that size. Node's own
 * limit is enough for them, so the growth ends there.
 */
export function boundYoungGeneration(given: readonly string[] = process.execArgv): void {
  const option = /^--max[-_]semi[-_]space[-_]size=(\d+)$/;
  const allowed = given.map((one) => Number(option.exec(one)?.[1] ?? 0));
  if (!allowed.some((mb) => mb > mostMb)) return;
  const observer = new PerformanceObserver(() => {
    const { space_size: bytes = 0 } =
      getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space') ?? {};
    if (bytes < 2 * mostMb * 2 ** 20 * 0.9) return;
    setFlagsFromString('--semi-space-growth-factor=1');
    observer.disconnect();
  });
  observer.observe({ entryTypes: ['gc'] });
}
