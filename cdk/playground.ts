import type { Drover } from './drover.ts';
import { webhooks } from './index.ts';

/** One of each event source, wired and waiting for a connector that names it: for `npm start`. */
export function createPlayground(drover: Drover): Readonly<Record<string, string>> {
  const { api } = webhooks(drover, { buffer: true });
  return { FeedFunctionName: drover.feeds.function.functionName, HooksApiId: api.apiId };
}
