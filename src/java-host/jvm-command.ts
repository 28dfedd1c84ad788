import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where a JVM and what it runs are. */
export interface HostCommand {
  /** The program: `java`, or a path. */
  readonly java: string;
  /** Folder of the host's jars, and of the archive of their classes if there is one (`hostArchive`). */
  readonly jars: string;
  /** They have been moved since the archive was made: the JVM works in their folder and names them from there. */
  readonly packed?: boolean;
  /** As a worker's `plugin.path`. */
  readonly pluginPath: readonly string[];
  /** Further options of the JVM. */
  readonly options?: readonly string[];
}

/** The archive of what every run loads, made by `drover.host.Rehearsal`; the JVM does without one that does not fit. */
export const hostArchive = 'drover-host.jsa';

/** By name: an archive is of use to the class path that it was made with, and to no other. */
export function classPath(jars: string, packed = false): string {
  const names = readdirSync(jars).filter((name) => name.endsWith('.jar'));
  return names
    .sort()
    .map((name) => (packed ? name : join(jars, name)))
    .join(delimiter);
}

/** Options that say how large the heap is or its parts are. */
const sizesHeap = /^-Xm[nsx]|^-XX:(?:Max|Initial|Min)?(?:New|Old|Heap)Size|^-XX:NewRatio/;

/** Everything between `java` and the main class. */
export function jvmOptions({ jars, packed, pluginPath, options = [] }: HostCommand): string[] {
  const archive = join(jars, hostArchive);
  return [
    '-XX:+ExitOnOutOfMemoryError',
    '-Xshare:auto',
    // That an archive does not fit is no news for the plugin's log.
    ...(existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`, '-Xlog:cds*=off'] : []),
    // As a JVM takes it by itself in a function of this size; on a larger machine it would take one that costs more.
    ...(options.some((option) => /^-XX:\+Use\w+GC$/.test(option)) ? [] : ['-XX:+UseSerialGC']),
    // By itself it begins with five megabytes for what is new, which a batch or two fill: it would collect for a third of its time.
    ...(options.some((option) => sizesHeap.test(option)) ? [] : ['-XX:NewSize=24m']),
    ...options,
    `-Ddrover.plugin.path=${pluginPath.join(',')}`,
    '-cp',
    classPath(jars, packed),
  ];
}
