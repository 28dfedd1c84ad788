import { expect, test } from 'vitest';
import type { ConnectorRow } from '../../cli/answers.ts';
import { chosen } from '../../console/search.ts';

const row = (name: string, type: string, topics: readonly string[]) =>
  ({ name, type, topics, className: 'C', error: null }) as unknown as ConnectorRow;

test('a search draws what it finds, and the rest of its pipeline', () => {
  const rows = [
    row('orders-in', 'source', ['orders']),
    row('warehouse', 'sink', ['orders', 'bills']),
    row('bills-in', 'source', ['bills']),
    row('other', 'sink', ['else']),
  ];
  const names = (search: string) => {
    const { meant, beside } = chosen(rows, search);
    return [meant, beside].map((list) => list.map(({ name }) => name));
  };
  expect(names('orders-in')).toEqual([['orders-in'], ['warehouse']]);
  expect(names('bills')).toEqual([['warehouse', 'bills-in'], ['orders-in']]);
  expect(names('')).toEqual([['orders-in', 'warehouse', 'bills-in', 'other'], []]);
  expect(names('nothing')).toEqual([[], []]);
});
