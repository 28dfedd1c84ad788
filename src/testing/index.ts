/// <reference types="node" preserve="true" />
/** What a plugin author imports in tests, as `drover/testing`. */

import type { PluginDescriptor } from '../api/plugin.ts';
import type { Settings } from '../config/config-def.ts';
import type { ConnectorStatus } from '../herder/herder.ts';
import { type BenchEvent, type BenchOptions, ConnectorBench, type TestOffset } from './bench.ts';
import type { KafkaRecord } from './memory-kafka.ts';
import type { TestRecord } from './read-records.ts';

export {
  type BenchEvent,
  type BenchOptions,
  ConnectorBench,
  type RunOptions,
  type RunResult,
  type TestOffset,
} from './bench.ts';
export type { BadConfig, ContractCase, ContractOptions } from './contract.ts';
export type { OnPoint, Point } from './life.ts';
export { type KafkaRecord, MemoryKafka, type MemoryKafkaOptions } from './memory-kafka.ts';
export type { TestRecord } from './read-records.ts';
export { ContractError } from './sequence.ts';
export { type SinkArrangement, type SinkContract, sinkContract } from './sink-contract.ts';
export { type SourceArrangement, type SourceContract, sourceContract } from './source-contract.ts';

/** What runs of a connector have left behind. */
export interface Outcome {
  /** Sources: what is in the topics, decoded. */
  readonly records: readonly TestRecord[];
  readonly offsets: readonly TestOffset[];
  readonly status: ConnectorStatus;
  /** Of the connector and its tasks, where they failed. */
  readonly traces: readonly string[];
  readonly deadLetters: readonly TestRecord[];
  /** All that the runs have told. */
  readonly events: readonly BenchEvent[];
}

/**
 * Runs a source as the worker does until it has nothing more to read, and tells what came of it; what makes it fail is in
 * `status` and `traces`. Give an endless source `drover.run.max.records` and `runs`: at most so many runs are made.
 */
export async function runSource(
  plugin: PluginDescriptor<'source'>,
  config: Settings,
  options: BenchOptions & { readonly runs?: number } = {},
): Promise<Outcome> {
  await using bench = new ConnectorBench(plugin, options);
  await bench.configure(config);
  return await outcomeOf(bench, options.runs);
}

/** The same for a sink, with these records in its topics. */
export async function runSink(
  plugin: PluginDescriptor<'sink'>,
  config: Settings,
  records: readonly KafkaRecord[],
  options: BenchOptions & { readonly runs?: number } = {},
): Promise<Outcome> {
  await using bench = new ConnectorBench(plugin, options);
  await bench.produce(records);
  await bench.configure(config);
  return await outcomeOf(bench, options.runs);
}

const mostRuns = 1000;

async function outcomeOf(bench: ConnectorBench, runs = mostRuns): Promise<Outcome> {
  for (let run = 0; run < runs; run++) {
    const { idle, tasks } = await bench.run();
    if (idle || tasks.some(({ reason }) => reason === 'failed-for-now')) break;
  }
  return {
    records: await bench.records(),
    offsets: await bench.offsets(),
    status: await bench.status(),
    traces: await bench.traces(),
    deadLetters: await bench.deadLetters(),
    events: bench.events,
  };
}
