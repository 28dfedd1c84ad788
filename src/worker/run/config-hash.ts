import { createHash } from 'node:crypto';
import type { Settings } from '../../config/config-def.ts';

/** Of the content, whatever its order. */
export function hashOf(settings: Settings): string {
  const sorted = Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('base64url');
}
