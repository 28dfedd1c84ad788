import type { ConfigProblem, ConnectorConfig, SinkConnector, SourceConnector } from '../api/connector.ts';
import type { AnyPlugin, PluginKind } from '../api/plugin.ts';
import { ConnectError } from '../errors.ts';
import type { JavaManifest, JavaPluginInfo } from './manifest.ts';
import { type PluginQuestion, writeOffsets } from './plugin-question.ts';

/** Has a question answered where there is a JVM; the answer as `answerQuestion` gives it. */
export type AskJava = (question: PluginQuestion) => Promise<unknown>;

/**
 * The plugins of a manifest for whoever lists, describes and validates them and runs none: what only the class itself can
 * say is asked of `ask`. Where nobody can be asked, nothing is made of them.
 */
export function describedPlugins(manifest: JavaManifest, ask: AskJava | null): readonly AnyPlugin[] {
  return manifest.plugins.map((info) => describedPlugin(info, ask));
}

function describedPlugin(info: JavaPluginInfo, ask: AskJava | null): AnyPlugin {
  const { kind, className, version, config } = info;
  const about = { className, version, runtime: 'java', doc: `From ${info.location}.`, config } as const;
  switch (kind) {
    case 'source':
      return { ...about, kind, create: () => new AskedSource(info, asked(info, ask)) };
    case 'sink':
      return { ...about, kind, create: () => new AskedSink(info, asked(info, ask)) };
    default:
      return { ...about, kind, create: () => runsInJava(kind, className) } as AnyPlugin;
  }
}

function asked({ kind, className }: JavaPluginInfo, ask: AskJava | null): AskJava {
  return ask ?? runsInJava(kind, className);
}

/** Retriable: whoever sent it here has not heard yet that it is a Java plugin. */
function runsInJava(kind: PluginKind, className: string): never {
  throw new ConnectError('plugin.elsewhere', `The ${kind.replace('_', ' ')} ${className} runs in the Java function`, {
    retriable: true,
  });
}

class AskedConnector {
  readonly #info: JavaPluginInfo;
  readonly #ask: AskJava;

  constructor(info: JavaPluginInfo, ask: AskJava) {
    this.#info = info;
    this.#ask = ask;
  }

  start(): never {
    return runsInJava(this.#info.kind, this.#info.className);
  }

  taskConfigs(): never {
    return runsInJava(this.#info.kind, this.#info.className);
  }

  createTask(): never {
    return runsInJava(this.#info.kind, this.#info.className);
  }

  stop(): void {}

  async validate(config: ConnectorConfig): Promise<readonly ConfigProblem[]> {
    return (await this.question('validate', config)) as readonly ConfigProblem[];
  }

  protected question(ask: PluginQuestion['ask'], config: ConnectorConfig, offsets?: string): Promise<unknown> {
    const { kind, className, version } = this.#info;
    return this.#ask({
      kind: 'plugin',
      ask,
      type: kind as PluginQuestion['type'],
      class: className,
      version,
      config,
      ...(offsets === undefined ? {} : { offsets }),
    });
  }
}

class AskedSource extends AskedConnector implements SourceConnector {
  async exactlyOnceSupport(config: ConnectorConfig) {
    return ((await this.question('exactlyOnceSupport', config)) ?? undefined) as
      | 'SUPPORTED'
      | 'UNSUPPORTED'
      | undefined;
  }

  async canDefineTransactionBoundaries(config: ConnectorConfig) {
    return (await this.question('canDefineTransactionBoundaries', config)) as 'SUPPORTED' | 'UNSUPPORTED';
  }

  async alterOffsets(...[config, offsets]: Parameters<NonNullable<SourceConnector['alterOffsets']>>) {
    return (await this.question('alterOffsets', config, writeOffsets(offsets))) === true;
  }
}

class AskedSink extends AskedConnector implements SinkConnector {
  async alterOffsets(...[config, offsets]: Parameters<NonNullable<SinkConnector['alterOffsets']>>) {
    return (await this.question('alterOffsets', config, writeOffsets(offsets))) === true;
  }
}
