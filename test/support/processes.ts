import { readdirSync, readFileSync } from 'node:fs';

/** Process ids of what this process has started, by any of its threads, and that still runs. */
export function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => new RegExp(`^PPid:\\s+${parent}$`, 'm').test(textOf(`/proc/${pid}/status`)))
    .map(Number);
}

export function isEnvironmentOf(pid: number, functionName: string): boolean {
  return textOf(`/proc/${pid}/environ`).includes(`AWS_LAMBDA_FUNCTION_NAME=${functionName}\0`);
}

/** Of plugins' hosts that this process has started. */
export function jvmsOf(parent: number): number[] {
  return childrenOf(parent).filter((pid) => textOf(`/proc/${pid}/cmdline`).includes('drover.host'));
}

/** Empty when the process is gone. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
