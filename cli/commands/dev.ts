import type { Command } from 'commander';
import { messageOf, usageError } from '../faults.ts';

/** Needs no installation. */
export function addDev(program: Command): void {
  program
    .command('dev')
    .summary('run a plugin of yours on this machine, anew with each save')
    .description(
      'Runs the connector of the config with the plugins of the module, in this process and again whenever a file beside it is ' +
        'saved. Without --bootstrap-servers Kafka is in memory: what a source writes is printed, and a sink reads each line of the ' +
        'standard input, as {"topic": …, "key": …, "value": …} or as the value alone.',
    )
    .argument('<module>', 'the plugins: lib/plugins.ts')
    .option('--config <file>', 'JSON file with the connector’s config')
    .option('--bootstrap-servers <addresses>', 'host:port,… of a real Kafka')
    .action(async (module: string, { config, bootstrapServers }: { config?: string; bootstrapServers?: string }) => {
      if (config === undefined) throw usageError('--config is missing: name the JSON file with the connector’s config');
      const { dev } = await import('../../src/testing/dev.ts');
      await dev({ module, config, bootstrapServers: bootstrapServers ?? null }).catch((error: unknown) => {
        throw usageError(messageOf(error));
      });
    });
}
