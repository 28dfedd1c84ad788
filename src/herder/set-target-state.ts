import type { TargetState } from '../storage/items.ts';
import { isMissing, unknown } from './connector-lookup.ts';
import type { HerderDeps } from './herder-deps.ts';

/** Pause, resume, stop. Asking for what is already wanted is fine. */
export async function setTargetState(deps: HerderDeps, name: string, targetState: TargetState): Promise<void> {
  await deps.configs.putTargetState(name, targetState, deps.clock.now()).catch((error) => {
    throw isMissing(error) ? unknown(name) : error;
  });
}
