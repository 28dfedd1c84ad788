import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).trim());

/** CPU seconds that processes have used so far, all their threads, user and system. */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
}

function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in brackets may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Resident memory at its highest, in MB; of several processes, the sum of their peaks. */
export function peakMemoryMb(pids: readonly number[]): number {
  return Math.round(pids.reduce((sum, pid) => sum + statusKb(pid, 'VmHWM'), 0) / 1024);
}

/** Resident memory now, in MB. */
export function memoryMb(pid: number): number {
  return Math.round(statusKb(pid, 'VmRSS') / 1024);
}

function statusKb(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0);
}

/** Processes that it has started and that are there: the JVM beside a worker. */
export function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

export function machine(): string {
  const java = execFileSync('sh', ['-c', 'java -version 2>&1 | head -1'], { encoding: 'utf8' }).trim();
  const load = loadavg()[0]!.toFixed(1);
  return (
    `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GB, ` +
    `Linux ${release().split('-')[0]}; Node ${process.versions.node}; ${java}; load average when the races began ${load}`
  );
}
