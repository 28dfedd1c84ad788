import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { droverVersion } from '../../src/version.ts';
import { type CommandContext, run, type Session } from '../session.ts';
import { listen, portOf } from './proxy.ts';

interface ConsoleCommandOptions {
  readonly port: number;
  readonly open?: boolean;
  readonly bootstrapServers?: string;
  readonly commandConfig?: string;
}

const host = '127.0.0.1';

export function addConsole(program: Command, context: CommandContext): void {
  program
    .command('console')
    .summary('a page of connectors, pipelines and runs, in your browser')
    .description(
      'Serves a page on this machine that shows connectors, the pipeline as a picture, and runs on a time line; makes and changes ' +
        'connectors, their offsets, and puts dead letters back. It asks the installation with your AWS credentials, listens on ' +
        '127.0.0.1 only, and answers to no page of another site. Ctrl-C ends it.',
    )
    .option('-p, --port <port>', 'where to listen; 0: any that is free', portOf, 8084)
    .option('--open', 'open it in the browser')
    .option('--bootstrap-servers <addresses>', 'host:port,… of the brokers, to look at dead letters')
    .option(
      '--command-config <file>',
      'client properties, as Kafka’s own tools take them (security.protocol, sasl.*, ssl.*)',
    )
    .action(run(context, serve));
}

async function serve(session: Session, options: ConsoleCommandOptions): Promise<void> {
  const { io } = session;
  const installation = await session.installation();
  // Told now, with what to do about it, rather than in the page.
  await (await session.rest()).get('/');
  const bootstrapServers = options.bootstrapServers ?? installation.bootstrapServers;
  const commandConfig = options.commandConfig === undefined ? null : resolve(io.cwd, options.commandConfig);
  const [{ createConsole }, { RunHistory }] = await Promise.all([
    import('../console/server.ts'),
    import('../console/run-history.ts'),
  ]);
  const server = createConsole({
    installation,
    now: io.now,
    runs: new RunHistory(installation, io.now),
    version: droverVersion,
    letters:
      bootstrapServers === null
        ? null
        : async (topic, limit) => {
            const { readDeadLetters } = await import('../dead-letters.ts');
            return await readDeadLetters({ bootstrapServers, commandConfig, topic, limit });
          },
  });
  await listen(server, options.port, host);
  const url = `http://${host}:${(server.address() as AddressInfo).port}`;
  if (!session.value({ url, target: installation.restUrl })) io.out(`${url} shows ${installation.restUrl}\n`);
  if (options.open === true) open(url, session);
  if (!io.ending.aborted) await once(io.ending, 'abort');
  server.close();
  server.closeAllConnections();
}

const openers: Partial<Record<NodeJS.Platform, string>> = { darwin: 'open', win32: 'explorer' };

function open(url: string, session: Session): void {
  const child = spawn(openers[process.platform] ?? 'xdg-open', [url], { stdio: 'ignore', detached: true });
  child.once('error', () => session.note('No browser could be opened: open the address yourself'));
  child.unref();
}
