import type { ClusterStore } from './cluster-store.ts';
import type { ConfigBackingStore, StatusBackingStore } from './config-backing-store.ts';
import type { DeclarationStore } from './declaration-store.ts';
import type { DueIndex } from './due-index.ts';
import type { FeedStore } from './feed-store.ts';
import type { GenerationStore } from './generation-store.ts';
import type { LeaseStore } from './lease-store.ts';
import type { OffsetBackingStore } from './offset-backing-store.ts';

/** Everything the table offers; functions/ makes one and hands each room what it needs. */
export interface Stores {
  readonly config: ConfigBackingStore;
  readonly generations: GenerationStore;
  readonly offsets: OffsetBackingStore;
  readonly status: StatusBackingStore;
  readonly leases: LeaseStore;
  readonly due: DueIndex;
  readonly feeds: FeedStore;
  readonly declarations: DeclarationStore;
  readonly cluster: ClusterStore;
}
