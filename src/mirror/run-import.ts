import type { ImportRequest } from '../invocation/invocation.ts';
import type { KafkaClient } from '../kafka/types.ts';
import type { ConnectorType } from '../storage/items.ts';
import type { Stores } from '../storage/stores.ts';
import { type ImportReport, readCluster, writeCluster } from './import.ts';

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
