import type { Declaration, DeclarationStore, Declarations } from '../declaration-store.ts';
import { N, number, S, text } from './attributes.ts';
import { isNew } from './conditions.ts';
import { declarationKey } from './table.ts';
import type { TableClient, Write } from './table-client.ts';

const isSame = '#version = :version';

export class DynamoDbDeclarationStore implements DeclarationStore {
  readonly #table: TableClient;

  constructor(table: TableClient) {
    this.#table = table;
  }

  async declarations(connector: string): Promise<Declarations> {
    const item = await this.#table.get(declarationKey(connector));
    if (item === null) return { list: [], version: null };
    return { list: JSON.parse(text(item, 'declarations') ?? '[]') as Declaration[], version: number(item, 'version') };
  }

  async putDeclarations(connector: string, list: readonly Declaration[], version: number | null): Promise<boolean> {
    if (list.length === 0 && version === null) return true;
    const key = declarationKey(connector);
    const what = `who has declared connector ${connector}`;
    const condition = version === null ? { condition: isNew } : { condition: isSame, values: { version: N(version) } };
    const item = { declarations: S(JSON.stringify(list)), version: N((version ?? 0) + 1) };
    const write: Write =
      list.length === 0 ? { kind: 'delete', key, ...condition } : { kind: 'put', key, what, item, ...condition };
    return (await this.#table.transact([write], what)).done;
  }
}
