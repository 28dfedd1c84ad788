import { isMissing } from './connector-lookup.ts';
import type { HerderDeps } from './herder-deps.ts';

/** KIP-558. As with Java, a connector that is not there has used no topic, and resetting it is fine. */
export async function activeTopics(deps: HerderDeps, name: string): Promise<string[]> {
  try {
    return await deps.statuses.activeTopics(name);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

export async function resetActiveTopics(deps: HerderDeps, name: string): Promise<void> {
  try {
    await deps.statuses.resetActiveTopics(name);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
