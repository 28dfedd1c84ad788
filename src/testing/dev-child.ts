import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { AnyPlugin, PluginDescriptor } from '../api/plugin.ts';
import type { Settings } from '../config/config-def.ts';
import { recordPlugins } from '../plugins/index.ts';
import { requirePlugins } from '../plugins/plugin-list.ts';
import { registryOf } from '../plugins/registry.ts';
import { ConnectorBench } from './bench.ts';
import type { KafkaRecord } from './memory-kafka.ts';

/** The process that `drover dev` starts anew with every save. It ends when its parent lets go of it. */
const pauseMs = 500;
/** Of one run, so that an endless source is shown as it goes. */
const runMaxMs = 1000;
const mostPrinted = 20;

async function configOf(path: string): Promise<Settings> {
  const parsed: unknown = await readFile(path, 'utf8')
    .then(JSON.parse)
    .catch((error: Error) => {
      throw new Error(`${path} cannot be read as JSON: ${error.message}`);
    });
  // As the REST API takes it: the config itself, or with the connector's name around it.
  const config = isObject(parsed) && isObject(parsed.config) ? parsed.config : parsed;
  if (!isObject(config)) throw new Error(`${path} must hold an object with the connector's settings`);
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, String(value)]));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function connectorPlugin(plugins: readonly AnyPlugin[], config: Settings) {
  const className = config['connector.class'];
  if (className === undefined) throw new Error('The config has no connector.class: name your connector there');
  const registry = registryOf([...recordPlugins, ...plugins]);
  const found: PluginDescriptor<'source'> | PluginDescriptor<'sink'> | undefined =
    registry.find('source', className) ?? registry.find('sink', className);
  if (found !== undefined) return found;
  const offered = plugins.map((plugin) => plugin.className).join(', ');
  throw new Error(`connector.class ${className} is no connector of the module; it lists ${offered || 'nothing'}`);
}

function printable(value: unknown): string {
  if (typeof value === 'string') return value;
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'bigint' ? String(part) : part instanceof Map ? Object.fromEntries(part) : part,
  );
}

/** Each line a record, for a sink that reads a Kafka in memory. */
function readLines(bench: ConnectorBench, config: Settings): void {
  const topic = config.topics?.split(',')[0]?.trim() ?? '';
  for (const name of (config.topics ?? '').split(','))
    if (name.trim() !== '') bench.memoryKafka?.createTopic(name.trim());
  createInterface({ input: process.stdin }).on('line', (line) => {
    let given: unknown = null;
    try {
      given = JSON.parse(line);
    } catch {
      // A text of its own.
    }
    const record = isObject(given) && 'value' in given ? ({ topic, ...given } as KafkaRecord) : { topic, value: line };
    bench.produce([record]).catch((error: Error) => console.error(`drover: ${error.message}`));
  });
}

async function main(module: string, configPath: string, bootstrapServers: string | undefined): Promise<void> {
  const ending = new AbortController();
  process.once('disconnect', () => ending.abort());
  process.on('SIGINT', () => {}); // The parent's to answer.
  const loaded = (await import(pathToFileURL(module).href)) as { default?: unknown };
  // A CommonJS module has its own default within.
  const list = isObject(loaded.default) && 'default' in loaded.default ? loaded.default.default : loaded.default;
  const plugins = requirePlugins(list);
  const config = await configOf(configPath);
  const plugin = connectorPlugin(plugins, config);
  const bench = new ConnectorBench(plugin, {
    plugins,
    name: config.name ?? 'dev',
    settings: { runMaxMs, runLingerMs: pauseMs },
    ...(bootstrapServers === undefined ? {} : { bootstrapServers }),
    onEvent: ({ event, facts }) => {
      if (event === 'run.failed') console.error(`drover: failed: ${facts.trace}`);
      if (event === 'plugin.log') console.error(`drover: ${facts.message}`);
    },
  });
  await bench.configure(config);
  if (plugin.kind === 'sink' && bench.memoryKafka !== null) readLines(bench, config);
  if (plugin.kind === 'source') await bench.skipRecords();
  console.log(`drover: ${plugin.className} runs with ${bootstrapServers ?? 'a Kafka in memory'}`);
  await runOn(bench, plugin.kind, ending.signal);
  await bench.close();
}

async function runOn(bench: ConnectorBench, kind: 'source' | 'sink', signal: AbortSignal): Promise<void> {
  let offsets = '';
  while (!signal.aborted) {
    await bench.run({ signal });
    if (kind === 'source') {
      const fresh = await bench.newRecords();
      for (const { topic, partition, offset, key, value } of fresh.slice(0, mostPrinted)) {
        console.log(`${topic}-${partition}@${offset} ${key === null ? '' : `${printable(key)}: `}${printable(value)}`);
      }
      if (fresh.length > mostPrinted) console.log(`… and ${fresh.length - mostPrinted} more`);
    }
    const now = (await bench.offsets()).map(({ partition, offset }) => `${printable(partition)} ${printable(offset)}`);
    if (now.join() !== offsets) console.log(now.map((line) => `offset ${line}`).join('\n'));
    offsets = now.join();
    await sleep(pauseMs, undefined, { signal }).catch(() => {});
  }
}

const [module, config, bootstrapServers] = process.argv.slice(2);
main(module ?? '', config ?? '', bootstrapServers).then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(`drover: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  },
);
