import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** Of a semi-space, in MB; there are two that V8 keeps, and a third while it copies. */
const mostMb = 16;
/** As V8 has it. */
const growthFactor = 2;
/**
 * How far the old generation may grow beyond what was left of it, in percent, before V8 collects it again. By itself V8 gives
 * it little more than a batch under way holds for a moment, so that a run would have all of it marked several times a second.
 */
const oldGenerationPercent = 150;
/** With less than this for it, in MB, what is left over counts more than the CPU. */
const roomyMb = 400;

/**
 * Has V8 collect what batches of records leave behind for less CPU and memory than it would by itself. Lambda starts Node with
 * `--max-semi-space-size` of a twentieth of the function's memory, on the command line, which no setting undoes: batches grow the
 * young generation to it, and it keeps that size. Less is enough for them, so the growth ends there, until V8
 * makes it small again, as it does where a function was idle.
 */
export function tuneGarbageCollection(given: readonly string[] = process.execArgv): void {
  const old = sizeIn(given, 'old');
  const young = sizeIn(given, 'semi');
  if (old === undefined || old >= roomyMb) setFlagsFromString(`--heap-growing-percent=${oldGenerationPercent}`);
  if (young === undefined || young <= mostMb) return;
  let mayGrow = true;
  new PerformanceObserver(() => {
    const isBelow = youngBytes() < 2 * mostMb * 2 ** 20 * 0.9;
    if (isBelow === mayGrow) return;
    mayGrow = isBelow;
    setFlagsFromString(`--semi-space-growth-factor=${mayGrow ? growthFactor : 1}`);
  }).observe({ entryTypes: ['gc'] });
}

/** What Node's options say of a generation, in MB. */
function sizeIn(options: readonly string[], generation: 'old' | 'semi'): number | undefined {
  const option = new RegExp(`^--max[-_]${generation}[-_]space[-_]size=(\\d+)$`);
  const mb = options.map((one) => option.exec(one)?.[1]).findLast((found) => found !== undefined);
  return mb === undefined ? undefined : Number(mb);
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;
}
