import type { SinkConnector, SourceConnector } from '../api/connector.ts';
import type { SourceOffset, SourcePartition } from '../api/record.ts';
import type { Settings } from '../config/config-def.ts';
import { ConfigError, ConnectError, isRetriable } from '../errors.ts';
import { createPlugin } from '../plugins/create-plugin.ts';
import { getConnector, type PluginRegistry } from '../plugins/registry.ts';

/**
 * What only a connector's class can say, asked of the function that has a JVM, by one invocation that waits for the answer:
 * `{"kind":"plugin","ask":"validate","type":"source","class":…,"version":…,"config":{…}}`.
 */
export interface PluginQuestion {
  readonly kind: 'plugin';
  readonly ask: 'validate' | 'exactlyOnceSupport' | 'canDefineTransactionBoundaries' | 'alterOffsets';
  readonly type: 'source' | 'sink';
  readonly class: string;
  readonly version: string;
  readonly config: Settings;
  /** Of `alterOffsets`, as `writeOffsets` writes them. */
  readonly offsets?: string;
}

/** The answer, or what the plugin threw. */
export type PluginAnswer = { readonly answer: unknown } | { readonly error: PluginFailure };

export interface PluginFailure {
  readonly message: string;
  /** Of one of Drover's own errors: ConnectError's code. */
  readonly code: string | null;
  readonly key: string | null;
  readonly retriable: boolean;
}

const asks: Readonly<Record<PluginQuestion['ask'], true>> = {
  validate: true,
  exactlyOnceSupport: true,
  canDefineTransactionBoundaries: true,
  alterOffsets: true,
};

/** Null: the event is something else. Throws ConnectError `invocation.invalid`, naming the field. */
export function parsePluginQuestion(event: unknown): PluginQuestion | null {
  if (typeof event !== 'object' || event === null || !('kind' in event) || event.kind !== 'plugin') return null;
  const fields = event as Readonly<Record<string, unknown>>;
  const need = (right: boolean, field: string) => {
    if (!right) throw new ConnectError('invocation.invalid', `Not a question to a plugin: ${field} is wrong`);
  };
  const { ask, type, class: className, version, config, offsets } = fields;
  need(typeof ask === 'string' && Object.hasOwn(asks, ask), 'ask');
  need(type === 'source' || type === 'sink', 'type');
  need(typeof className === 'string', 'class');
  need(typeof version === 'string', 'version');
  need(isSettings(config), 'config');
  need(ask === 'alterOffsets' ? typeof offsets === 'string' : offsets === undefined, 'offsets');
  return fields as unknown as PluginQuestion;
}

function isSettings(config: unknown): boolean {
  return (
    typeof config === 'object' &&
    config !== null &&
    !Array.isArray(config) &&
    Object.values(config).every((value) => typeof value === 'string')
  );
}

/** Never rejects: what the plugin throws is an answer too. `registry`: the plugins with a JVM behind them. */
export async function answerQuestion(registry: PluginRegistry, question: PluginQuestion): Promise<PluginAnswer> {
  try {
    return { answer: (await answerOf(registry, question)) ?? null };
  } catch (error) {
    const own = error instanceof ConnectError ? error : null;
    const key = own?.facts.key;
    return {
      error: {
        message: error instanceof Error ? error.message : String(error),
        code: own?.code ?? null,
        key: typeof key === 'string' ? key : null,
        retriable: isRetriable(error),
      },
    };
  }
}

async function answerOf(registry: PluginRegistry, question: PluginQuestion): Promise<unknown> {
  const { ask, type, config } = question;
  const named = {
    'connector.class': question.class,
    'connector.plugin.version': question.version,
    'drover.plugin.runtime': 'java',
  };
  const connector: SourceConnector | SinkConnector = await createPlugin<'source' | 'sink'>(
    getConnector(registry, type, named),
  );
  switch (ask) {
    case 'validate':
      return (await connector.validate?.(config)) ?? [];
    case 'exactlyOnceSupport':
      return (connector as SourceConnector).exactlyOnceSupport?.(config);
    case 'canDefineTransactionBoundaries':
      return (connector as SourceConnector).canDefineTransactionBoundaries?.(config);
    case 'alterOffsets':
      // biome-ignore lint/suspicious/noExplicitAny: what the two kinds take is what their own askers wrote.
      return (connector.alterOffsets as any)?.(config, readOffsets(question.offsets ?? '[]'));
  }
}

/** What an answer says; throws what the plugin threw. `whose`: for messages. */
export function answerIn(value: unknown, whose: string): unknown {
  if (typeof value === 'object' && value !== null) {
    if ('answer' in value) return value.answer;
    if ('error' in value) throw failureOf(value.error as PluginFailure);
  }
  throw new ConnectError('plugin.failed', `The Java function gave no answer for ${whose}`);
}

function failureOf({ message, code, key, retriable }: PluginFailure): Error {
  if (code === null && !retriable) return new Error(message);
  if (code === 'config.invalid') return new ConfigError(message, key === null ? {} : { key });
  return new ConnectError(code ?? 'plugin.failed', message, { retriable });
}

type AskedOffsets =
  | readonly { readonly partition: SourcePartition; readonly offset: SourceOffset | null }[]
  | readonly { readonly topic: string; readonly kafkaPartition: number; readonly offset: bigint | null }[];

/** Integers of 64 bits are written apart from doubles, digit for digit: offsets hold no lists, so a list stands for them. */
export function writeOffsets(offsets: AskedOffsets): string {
  return JSON.stringify(offsets, (_key, value) => (typeof value === 'bigint' ? [String(value)] : value));
}

export function readOffsets(text: string): AskedOffsets {
  const isInteger = (value: unknown) => Array.isArray(value) && value.length === 1 && typeof value[0] === 'string';
  return JSON.parse(text, (_key, value) => (isInteger(value) ? BigInt(value[0]) : value)) as AskedOffsets;
}
