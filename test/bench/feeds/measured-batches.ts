import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GivenEvents } from './given-events.ts';

/** What an event of so many messages has taken; all figures are of one event. */
export interface MeasuredBatch {
  readonly kind: GivenEvents['kind'];
  readonly size: number;
  /** Of all events that were counted. */
  readonly messages: number;
  readonly cpuMsAnInvocation: number;
  /** Wall milliseconds. */
  readonly ranMs: number;
  /** Requests. */
  readonly tableReads: number;
  readonly tableWrites: number;
  readonly measuredAt: string;
}

const file = join(import.meta.dirname, 'batches.json');

export const readBatches = (): readonly MeasuredBatch[] =>
  existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as readonly MeasuredBatch[]) : [];

export const writeBatches = (batches: readonly MeasuredBatch[]): void =>
  writeFileSync(file, `${JSON.stringify(batches, null, 2)}\n`);
