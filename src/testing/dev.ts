import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, watch } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface DevOptions {
  readonly module: string;
  readonly config: string;
  readonly bootstrapServers: string | null;
}

/** Editors save in several steps: what comes within this time is one. */
const settleMs = 100;
const patienceMs = 5000;

/** Everything of a connector runs in a child process, which a save replaces: nothing of the old code is left. */
export async function dev(options: DevOptions): Promise<void> {
  const module = resolve(options.module);
  const config = resolve(options.config);
  for (const file of [module, config]) if (!existsSync(file)) throw new Error(`There is no file ${file}`);
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort());

  let timer: NodeJS.Timeout | null = null;
  let saved = Promise.withResolvers<void>();
  const watchers = [...new Set([dirname(module), dirname(config)])].map((folder) =>
    watch(folder, { recursive: true }, (_event, file) => {
      if (file !== null && /(^|\/)(node_modules|\.git)(\/|$)/.test(file)) return;
      // Data files beside the modules are the connector's own to change.
      if (file !== null && !/\.([cm]?[jt]s|json)$/.test(file)) return;
      if (timer !== null) clearTimeout(timer);
      timer = setTimeout(() => saved.resolve(), settleMs);
    }),
  );
  const ended = once(ending.signal, 'abort');
  try {
    while (!ending.signal.aborted) {
      const child = start(module, config, options.bootstrapServers);
      await Promise.race([saved.promise, ended]);
      saved = Promise.withResolvers();
      await stop(child);
      if (!ending.signal.aborted) console.log('drover: saved, starting again');
    }
  } finally {
    if (timer !== null) clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  }
}

const childModule = fileURLToPath(
  new URL(`./dev-child${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
);

function start(module: string, config: string, bootstrapServers: string | null): ChildProcess {
  const child = fork(childModule, [module, config, ...(bootstrapServers === null ? [] : [bootstrapServers])], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  child.on('exit', (code) => {
    if (code !== 0 && code !== null) console.log('drover: waiting for the next save');
  });
  return child;
}

/** Lets the run under way end; what then is still there is killed. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  if (child.connected) child.disconnect();
  const late = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  await exited;
  clearTimeout(late);
}
