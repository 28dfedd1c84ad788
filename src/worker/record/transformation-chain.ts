import type { ItemOutcome } from '../../api/item-outcome.ts';
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
import { oneByOne } from './one-by-one.ts';
import { notWaiting } from './reach.ts';

/** One transformation of a chain, with the condition under which it applies. Java: TransformationStage. */
interface TransformationStage {
  readonly alias: string;
  readonly className: string;
  readonly transformation: Transformation;
  readonly predicate: Predicate | null;
  readonly negate: boolean;
}

/** How far one of many records has come in the chain. */
export interface Passage<R> {
  /** As the stages so far have left it; null: one of them dropped it. */
  record: R | null;
  /** How many stages are behind it. */
  stage: number;
  /** What the next one has thrown. */
  failure: { readonly error: unknown } | null;
}

/** A connector's transformations, in the order of `transforms`. */
export class TransformationChain {
  readonly #stages: readonly TransformationStage[];
  #halted: Passage<unknown> | null = null;

  constructor(stages: readonly TransformationStage[]) {
    this.#stages = stages;
  }

  get isEmpty(): boolean {
    return this.#stages.length === 0;
  }

  /** Some stage answers from elsewhere: `applyMany` is to be called, and not `apply`. */
  get isBatched(): boolean {
    return this.#stages.some(
      ({ transformation, predicate }) => transformation.applyAll !== undefined || predicate?.testAll !== undefined,
    );
  }

  get length(): number {
    return this.#stages.length;
  }

  /** The class of that stage. */
  classAt(stage: number): string {
    return this.#stages[stage]?.className ?? '';
  }

  /** After an error from `apply`: in front of the stage that raised it, with the record that it was given (KIP-298). */
  halted<R extends ConnectRecord<R>>(): Passage<R> {
    if (this.#halted === null) throw new ConnectError('transform.failed', 'No transformation has failed');
    return this.#halted as Passage<R>;
  }

  /** What the last stage makes of it has passed all of them; so has what one of them dropped. */
  passed<R extends ConnectRecord<R>>(record: R | null): Passage<R> {
    return { record, stage: this.#stages.length, failure: null };
  }

  /**
   * The record as the last stage leaves it; null when one of them dropped it. `owned`: nobody but the caller knows the
   * record, so that even the first stage may change it.
   */
  apply<R extends ConnectRecord<R>>(record: R, owned = false): R | null {
    const stages = this.#stages;
    let current: R = record;
    let mayChange = owned;
    let at = 0;
    try {
      for (; at < stages.length; at++) {
        const { predicate, negate, transformation } = stages[at]!;
        if (predicate !== null && predicate.test(current) === negate) continue;
        const given: R = current;
        let made: R | null;
        if (transformation.applyInPlace === undefined) {
          made = transformation.apply(given);
          mayChange = false;
        } else {
          made = mayChange ? transformation.applyInPlace(given) : transformation.apply(given);
          mayChange ||= made !== given;
        }
        if (made === null) return null;
        current = made;
      }
    } catch (error) {
      this.#halted = { record: current, stage: at, failure: null };
      throw error;
    }
    return current;
  }

  /**
   * Takes many records on, stage by stage and in their order, up to the end or to what has failed. Records behind a
   * failure that may be tried again wait: no stage sees them before it.
   */
  async applyMany<R extends ConnectRecord<R>>(passages: readonly Passage<R>[]): Promise<void> {
    for (let at = 0; at < this.#stages.length; at++) {
      const due = notWaiting(passages).filter(
        ({ record, stage, failure }) => stage === at && record !== null && failure === null,
      );
      if (due.length > 0) await passStage(this.#stages[at]!, due);
    }
  }

  async close(): Promise<void> {
    for (const stage of this.#stages) {
      await stage.transformation.close?.();
      await stage.predicate?.close?.();
    }
  }
}

async function passStage<R extends ConnectRecord<R>>(
  { transformation, predicate, negate }: TransformationStage,
  waiting: readonly Passage<R>[],
): Promise<void> {
  let due = waiting;
  if (predicate !== null) {
    const applies: Passage<R>[] = [];
    const records = recordsOf(waiting);
    const outcomes = await (predicate.testAll?.(records) ?? oneByOne(records, (record) => predicate.test(record)));
    settle(waiting, outcomes, (passage, holds) => {
      if (holds === negate) passage.stage++;
      else applies.push(passage);
    });
    due = applies;
  }
  if (due.length === 0) return;
  const records = recordsOf(due);
  const outcomes = await (transformation.applyAll?.(records) ??
    oneByOne(records, (record) => transformation.apply(record)));
  settle(due, outcomes, (passage, record) => {
    passage.record = record;
    passage.stage++;
  });
}

const recordsOf = <R>(passages: readonly Passage<R>[]): R[] => passages.map(({ record }) => record as R);

function settle<R, T>(
  passages: readonly Passage<R>[],
  outcomes: readonly ItemOutcome<T>[],
  take: (passage: Passage<R>, answer: T) => void,
): void {
  for (const [i, outcome] of outcomes.entries()) {
    const passage = passages[i]!;
    if (!outcome.failed) take(passage, outcome.answer);
    else passage.failure = { error: outcome.error };
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
  const descriptor = registry.get('transformation', type ?? '', { version: own['plugin.version'] });
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
  const version = settings[`${prefix}plugin.version`];
  const predicate = await createPlugin(registry.get('predicate', type, { version }));
  predicate.configure(settingsWithPrefix(settings, prefix));
  return predicate;
}
