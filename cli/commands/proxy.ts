import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Command } from 'commander';
import { CliError, exitCodes, usageError } from '../faults.ts';
import { createProxy } from '../proxy.ts';
import { type CommandContext, run, type Session } from '../session.ts';

interface ProxyCommandOptions {
  readonly port: number;
  readonly host: string;
  readonly allowHost?: readonly string[];
  readonly verbose?: boolean;
}

export function addProxy(program: Command, context: CommandContext): void {
  program
    .command('proxy')
    .summary('a local address that signs, for curl, kcctl, Terraform and UIs')
    .description(
      'Serves the REST API on this machine and signs each request with your AWS credentials, so that every client of Kafka Connect ' +
        'works with IAM as it is. Whoever reaches the address acts as you: it listens on 127.0.0.1 unless told, and answers to no page ' +
        'of another site. Ctrl-C ends it.',
    )
    .option('-p, --port <port>', 'where to listen; 0: any that is free', portOf, 8083)
    .option('--host <address>', 'where to listen; 0.0.0.0 lets other machines in', '127.0.0.1')
    .option('--allow-host <name...>', 'a name of this machine that clients use, such as host.docker.internal')
    .option('-v, --verbose', 'print each request')
    .action(run(context, proxy));
}

export function portOf(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw usageError(`--port is "${text}": it must be a number up to 65535`);
  return port;
}

async function proxy(session: Session, { port, host, allowHost = [], verbose }: ProxyCommandOptions): Promise<void> {
  const installation = await session.installation();
  const log = verbose === true ? { log: (line: string) => session.note(line) } : {};
  // Told now, with what to do about it, rather than to the first client.
  await (await session.rest()).get('/');
  const server = createProxy({ installation, hosts: allowHost, ...log });
  await listen(server, port, host);
  const { address, port: own, family } = server.address() as AddressInfo;
  const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${own}`;
  if (!session.value({ url, target: installation.restUrl })) session.io.out(`${url} -> ${installation.restUrl}\n`);
  const { ending } = session.io;
  if (!ending.aborted) await once(ending, 'abort');
  server.close();
  server.closeAllConnections();
}

/** Throws CliError, with what to do about it. */
export async function listen(server: Server, port: number, host: string): Promise<void> {
  server.listen(port, host);
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    throw listenFault(error, port, host);
  });
}

function listenFault({ code, message }: NodeJS.ErrnoException, port: number, host: string): CliError {
  if (code === 'EADDRINUSE')
    return usageError(`Something else listens on port ${port}: take another with --port, or any with --port 0`);
  if (code === 'EACCES') return usageError(`Port ${port} is not for everybody: take one from 1024 on, with --port`);
  if (code === 'EADDRNOTAVAIL')
    return usageError(`This machine has no address ${host}: --host 127.0.0.1 is the one it always has`);
  return new CliError(message, exitCodes.unreachable);
}
