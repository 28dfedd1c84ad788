#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { dev } from './dev.ts';

const usage = `drover dev <plugins module> --config <connector.json> [--bootstrap-servers <host:port,…>]

Runs the connector of the config with the plugins of the module, in this process and again whenever a file beside it is
saved. Without --bootstrap-servers Kafka is in memory: what a source writes is printed, and a sink reads each line of the
standard input, as {"topic": …, "key": …, "value": …} or as the value alone.`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      'bootstrap-servers': { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const [command, module, ...more] = positionals;
  if (values.help || command === undefined) return console.log(usage);
  if (command !== 'dev') throw new Error(`There is no command ${command}: it is drover dev`);
  if (module === undefined || more.length > 0) throw new Error('Name one module that lists your plugins');
  if (values.config === undefined)
    throw new Error('--config is missing: name the JSON file with the connector’s config');
  await dev({ module, config: values.config, bootstrapServers: values['bootstrap-servers'] ?? null });
}

main().catch((error: unknown) => {
  console.error(`drover: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
