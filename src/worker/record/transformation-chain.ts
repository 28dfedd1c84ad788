import type { ConnectRecord } from '../../api/record.ts';
import type { Predicate, Transformation } from '../../api/transformation.ts';
import type { Settings } from '../../config/config-def.ts';
import { connectorConfig } from '../../config/connector-config.ts';
import { parseConfig, parseKey, settingsWithPrefix } from '../../config/parse-config.ts';
import { ConfigError, ConnectError } from '../../errors.ts';
import { createPlugin } from '../../plugins/create-plugin.ts';
import type { PluginRegistry } from '../../plugins/registry.ts';
import {
  conditionConfig,
  predicateStages,
  stageAliases,
  stageKeys,
  transformStages,
} from '../../plugins/transform-settings.ts';

/** One transformation of a chain, with the condition under which it applies. Java: TransformationStage. */
interface TransformationStage {
  readonly alias: string;
  readonly className: string;
  readonly transformation: Transformation;
  readonly predicate: Predicate | null;
  readonly negate: boolean;
}

/** A connector's transformations, in the order of `transforms`. */
export class TransformationChain {
  readonly #stages: readonly TransformationStage[];
  #active = 0;

  constructor(stages: readonly TransformationStage[]) {
    this.#stages = stages;
  }

  get isEmpty(): boolean {
    return this.#stages.length === 0;
  }

  /** The class at work: after an error from `apply`, the one that raised it (KIP-298). */
  get executingClass(): string {
    return this.#stages[this.#active]?.className ?? '';
  }

  /** The alias of that class in the connector's settings. */
  get executingAlias(): string {
    return this.#stages[this.#active]?.alias ?? '';
  }

  /**
   * The record as the last stage leaves it; null when one of them dropped it. `owned`: nobody but the caller knows the
   * record, so that even the first stage may change it.
   */
  apply<R extends ConnectRecord<R>>(record: R, owned = false): R | null {
    const stages = this.#stages;
    let current: R | null = record;
    let mayChange = owned;
    for (let i = 0; i < stages.length; i++) {
      const stage = stages[i]!;
      this.#active = i;
      if (stage.predicate !== null && stage.predicate.test(current) === stage.negate) continue;
      const { transformation } = stage;
      const given: R = current;
      if (transformation.applyInPlace === undefined) {
        current = transformation.apply(given);
        mayChange = false;
      } else {
        current = mayChange ? transformation.applyInPlace(given) : transformation.apply(given);
        mayChange ||= current !== given;
      }
      if (current === null) return null;
    }
    return current;
  }

  async close(): Promise<void> {
    for (const stage of this.#stages) {
      await stage.transformation.close?.();
      await stage.predicate?.close?.();
    }
  }
}

/**
 * Builds the chain that `transforms` and `predicates` of a connector's settings describe. Throws ConfigError for
 * settings that validation would refuse, ConnectError for what a transformation finds wrong itself.
 */
export async function createTransformationChain(
  settings: Settings,
  registry: PluginRegistry,
): Promise<TransformationChain> {
  const aliases = stageAliases(settings, transformStages.listKey);
  if (aliases.length === 0 && settings.predicates === undefined) return new TransformationChain([]);
  checkSettings(settings, registry);
  const stages: TransformationStage[] = [];
  for (const alias of aliases) stages.push(await createStage(alias, settings, registry));
  return new TransformationChain(stages);
}

function checkSettings(settings: Settings, registry: PluginRegistry): void {
  for (const stages of [transformStages, predicateStages]) {
    parseKey(connectorConfig.keys.get(stages.listKey)!, settings);
    for (const key of stageKeys(registry, stages, settings, true)) {
      parseKey(key, settings, { resolveClass: (name) => registry.classNameOf(name) ?? null });
    }
  }
}

async function createStage(alias: string, settings: Settings, registry: PluginRegistry): Promise<TransformationStage> {
  const { predicate, negate, type, ...own } = settingsWithPrefix(settings, `${transformStages.listKey}.${alias}.`);
  const descriptor = registry.get('transformation', type ?? '');
  try {
    const transformation = await createPlugin(descriptor);
    transformation.configure({ ...own, ...(type === undefined ? {} : { type }) });
    return {
      alias,
      className: descriptor.className,
      transformation,
      predicate: predicate === undefined ? null : await createPredicate(predicate, settings, registry),
      negate: parseConfig(conditionConfig, negate === undefined ? {} : { negate }).negate,
    };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConnectError('transform.failed', `The transformation ${alias} cannot be set up: ${reason}`, { cause });
  }
}

async function createPredicate(alias: string, settings: Settings, registry: PluginRegistry): Promise<Predicate> {
  const prefix = `${predicateStages.listKey}.${alias}.`;
  const type = settings[`${prefix}type`];
  if (type === undefined || !stageAliases(settings, predicateStages.listKey).includes(alias)) {
    throw new ConfigError(`The predicate ${alias} is not listed in predicates or has no type`, { key: prefix });
  }
  const predicate = await createPlugin(registry.get('predicate', type));
  predicate.configure(settingsWithPrefix(settings, prefix));
  return predicate;
}
