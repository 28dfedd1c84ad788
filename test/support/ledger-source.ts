import { readFileSync } from 'node:fs';
import type { ConnectorConfig, SourceConnector } from '../../src/api/connector.ts';
import { definePlugin } from '../../src/api/plugin.ts';
import { SourceRecord } from '../../src/api/record.ts';
import type { SourceTask, SourceTaskContext } from '../../src/api/task.ts';
import { noConfig } from '../../src/config/config-def.ts';
import { STRING_SCHEMA } from '../../src/data/schema-builder.ts';

/** Lines of one transaction; polls are drawn elsewhere. */
export const ledgerLines = 7;
export const ledgerClass = 'LedgerSource';

/** Of every three transactions the last is aborted. */
export function isAborted(line: number): boolean {
  return Math.floor(line / ledgerLines) % 3 === 2;
}

/**
 * Reads a growing file line by line and draws its own transactions over every seven of them, in each way that there is:
 * on a record in the middle of a poll, for the batch of the next poll, with an empty poll behind the records.
 */
class LedgerSourceTask implements SourceTask {
  readonly #partition = { ledger: 'lines' };
  #file = '';
  #topic = '';
  #batch = 0;
  #next = 0;
  #endOwed = -1;
  #context!: SourceTaskContext;

  async start(config: ConnectorConfig, context: SourceTaskContext): Promise<void> {
    this.#context = context;
    this.#file = config.file ?? '';
    this.#topic = config.topic ?? '';
    this.#batch = Number(config['batch.size']);
    this.#next = Number((await context.offsetStorageReader.offset(this.#partition))?.line ?? 0);
  }

  poll(): SourceRecord[] | null {
    if (this.#endOwed >= 0) {
      this.#end(this.#endOwed);
      this.#endOwed = -1;
      return [];
    }
    const lines = readFileSync(this.#file, 'utf8').split('\n').slice(0, -1);
    const transaction = Math.floor(this.#next / ledgerLines);
    const way = transaction % 2 === 0 ? 'record' : transaction % 4 === 1 ? 'batch' : 'empty poll';
    const last = (transaction + 1) * ledgerLines - 1;
    const most = way === 'record' ? this.#next + this.#batch : Math.min(last + 1, this.#next + this.#batch);
    const records: SourceRecord[] = [];
    for (; this.#next < Math.min(most, lines.length); this.#next++) {
      const offset = { line: this.#next + 1 };
      const value = lines[this.#next];
      const record = new SourceRecord(this.#partition, offset, this.#topic, null, null, null, STRING_SCHEMA, value);
      records.push(record);
      const atEnd = this.#next % ledgerLines === ledgerLines - 1;
      if (!atEnd) continue;
      if (this.#next > last || way === 'record') this.#end(this.#next, record);
      else if (way === 'batch') this.#end(this.#next);
      else this.#endOwed = this.#next;
    }
    return records.length === 0 ? null : records;
  }

  #end(line: number, record?: SourceRecord): void {
    const { transactionContext } = this.#context;
    if (isAborted(line)) transactionContext!.abortTransaction(record);
    else transactionContext!.commitTransaction(record);
  }

  stop(): void {}
}

export const ledgerSource = definePlugin({
  kind: 'source',
  className: ledgerClass,
  version: '1',
  doc: 'Draws its own transactions.',
  config: noConfig,
  create: (): SourceConnector => {
    let own: ConnectorConfig = {};
    return {
      start: (config) => {
        own = config;
      },
      taskConfigs: () => [own],
      createTask: () => new LedgerSourceTask(),
      stop: () => {},
      exactlyOnceSupport: () => 'SUPPORTED',
      canDefineTransactionBoundaries: () => 'SUPPORTED',
    };
  },
});
