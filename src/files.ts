import { closeSync, constants, fstatSync, openSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { ConfigError, ConnectError } from './errors.ts';

/**
 * The files that connector configs may name. A path counts by the file that it leads to, links resolved, and what was
 * opened is looked at once more: a link that is put there in between does not help.
 */
export interface FileAccess {
  /** Why this path may not be used, and what to do about it; null: it may. By the path alone, without a look at any file. */
  refusal(path: string): string | null;
  /** For reading (`r`), or for appending to a file that need not be there (`a`). */
  open(path: string, flags: 'r' | 'a'): Promise<FileHandle>;
  /** All of it. */
  read(path: string): Buffer;
}

export interface FileAccessOptions {
  /** Absolute; `/` is every file. */
  readonly folders: readonly string[];
  /** How an installation allows a folder; ends the message of a refusal. */
  readonly advice: string;
}

/** Shows the environment and the memory of processes: never a connector's to read, whatever is allowed. */
const processes = '/proc';

const openFlags = {
  r: constants.O_RDONLY,
  a: constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT,
};

/** Throws ConfigError for a folder that is not absolute. */
export function fileAccess({ folders, advice }: FileAccessOptions): FileAccess {
  const relative = folders.find((folder) => !isAbsolute(folder));
  if (relative !== undefined) throw new ConfigError(`"${relative}" is not an absolute path. ${advice}`);
  const allowed = folders.map((folder) => resolve(folder));
  const any = allowed.includes('/');

  const refusal = (path: string): string | null => {
    const wanted = resolve(path);
    if (isIn(wanted, processes)) return `File ${path} may not be used: it shows the function's own processes`;
    if (any || allowed.some((folder) => isIn(wanted, folder) || isIn(wanted, realOf(folder)))) return null;
    const reach = allowed.length === 0 ? 'no files' : `the files in ${allowed.join(', ')} only`;
    return `File ${path} may not be used: connectors of this installation reach ${reach}. ${advice}`;
  };
  const refused = (message: string) => new ConnectError('file.not_allowed', message);
  const leadsOut = (path: string) =>
    refused(`File ${path} may not be used: it leads out of the folders that connectors reach. ${advice}`);

  const isReachable = (real: string) =>
    !isIn(real, processes) && (any || allowed.some((folder) => isIn(real, realOf(folder))));

  /** The file behind the path, once it is known to be one that may be used. */
  const admit = (path: string): string => {
    const message = refusal(path);
    if (message !== null) throw refused(message);
    if (any) return path;
    const real = behindLinks(resolve(path));
    if (!isReachable(real)) throw leadsOut(path);
    return real;
  };
  /** A descriptor's own file: what its path led to may have changed since. */
  const verify = (path: string, real: string, fd: number): void => {
    if (any && process.platform !== 'linux') return;
    const opened = openedFile(fd, real);
    // What has no name of its own (a pipe, a terminal's other end) lies in no folder.
    if (opened === null || !(opened.startsWith('/') ? isReachable(opened) : any)) throw leadsOut(path);
  };
  const noFollow = any ? 0 : constants.O_NOFOLLOW;

  return {
    refusal,
    async open(path, flags) {
      const real = admit(path);
      const file = await open(real, openFlags[flags] | noFollow, 0o666);
      try {
        verify(path, real, file.fd);
        return file;
      } catch (error) {
        await file.close();
        throw error;
      }
    },
    read(path) {
      const real = admit(path);
      const fd = openSync(real, openFlags.r | noFollow);
      try {
        verify(path, real, fd);
        return readFileSync(fd);
      } finally {
        closeSync(fd);
      }
    },
  };
}

/** As a Java worker on a machine of its own: every file of it. */
export const anyFile: FileAccess = fileAccess({ folders: ['/'], advice: '' });

function isIn(path: string, folder: string): boolean {
  return folder === '/' || path === folder || path.startsWith(folder + sep);
}

/** A folder that is not there (yet) is what its path says. */
function realOf(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
}

/** Links resolved, also for a file that is not there yet. Throws the file system's own error where a folder is missing. */
function behindLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return join(realpathSync(dirname(path)), basename(path));
  }
}

/** The path of what a descriptor has open; null where it is not what `real` names now. */
function openedFile(fd: number, real: string): string | null {
  if (process.platform === 'linux') return readlinkSync(`/proc/self/fd/${fd}`);
  const [one, other] = [fstatSync(fd), statSync(real)];
  return one.dev === other.dev && one.ino === other.ino ? realpathSync(real) : null;
}
