import { ConnectError } from '../errors.ts';
import type { KafkaClient } from '../kafka/types.ts';
import type { ConnectorType } from '../storage/items.ts';
import type { Stores } from '../storage/stores.ts';
import { type ImportReport, readCluster, writeCluster } from './import.ts';

/**
 * Asks the task function to take over a Java cluster's connectors, once, by hand:
 * `{"kind":"import","start":"stopped"}`, or `"as-was"`; topics other than Drover's own are named by `configs` and
 * `offsets`. The Java workers must be down, else both run the same connectors.
 */
export interface ImportRequest {
  readonly kind: 'import';
  readonly start: 'stopped' | 'as-was';
  readonly configs: string | null;
  readonly offsets: string | null;
}

/** Undefined: it asks for something else. Throws ConnectError `invocation.invalid`, naming the field. */
export function parseImportRequest(event: unknown): ImportRequest | undefined {
  if (typeof event !== 'object' || event === null || !('kind' in event) || event.kind !== 'import') return undefined;
  const { start, configs = null, offsets = null } = event as Record<string, unknown>;
  if (start !== 'stopped' && start !== 'as-was') {
    throw new ConnectError('invocation.invalid', 'An import needs "start": "stopped" or "as-was"');
  }
  const topic = (value: unknown, field: string) => {
    if (value === null || (typeof value === 'string' && value !== '')) return value;
    throw new ConnectError('invocation.invalid', `"${field}" of an import is the name of a topic`);
  };
  return { kind: 'import', start, configs: topic(configs, 'configs'), offsets: topic(offsets, 'offsets') };
}

export interface ImportDeps {
  readonly kafka: KafkaClient;
  readonly stores: Pick<Stores, 'config' | 'offsets'>;
  /** Drover's own topics. */
  readonly topics: { readonly configs: string; readonly offsets: string };
  readonly typeOf: (connectorClass: string) => ConnectorType | undefined;
  readonly now: () => number;
}

/** The answer says what was taken over and what was not, and why. */
export async function runImport(
  request: ImportRequest,
  { kafka, stores, topics, typeOf, now }: ImportDeps,
): Promise<ImportReport & { readonly unreadable: readonly string[] }> {
  const from = { configs: request.configs ?? topics.configs, offsets: request.offsets ?? topics.offsets };
  const cluster = await readCluster(kafka, from);
  const report = await writeCluster(cluster, { stores, start: request.start, typeOf, now });
  return { ...report, unreadable: cluster.unreadable };
}
