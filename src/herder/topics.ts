import type { HerderDeps } from './herder-deps.ts';

/** KIP-558. As with Java, a connector that is not there has used no topic, and resetting it is fine. */
export function activeTopics(deps: HerderDeps, name: string): Promise<string[]> {
  return deps.statuses.activeTopics(name);
}

export function resetActiveTopics(deps: HerderDeps, name: string): Promise<void> {
  return deps.statuses.resetActiveTopics(name);
}
