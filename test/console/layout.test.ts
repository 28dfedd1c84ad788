import { expect, test } from 'vitest';
import { layOut } from '../../console/pipeline-layout.ts';

test('sources, topics and sinks have a layer each; what hangs together lies beside each other', () => {
  const { places, rows } = layOut({
    sources: ['a', 'b'],
    topics: ['t', 'u'],
    sinks: ['x', 'y', 'z'],
    links: [
      { from: 'a', to: 't' },
      { from: 't', to: 'x' },
      { from: 't', to: 'y' },
      { from: 'b', to: 'u' },
      { from: 'u', to: 'z' },
    ],
  });
  expect(rows).toBe(3);
  expect(Object.fromEntries(places)).toEqual({
    a: { layer: 0, row: 0.5 },
    t: { layer: 1, row: 0.5 },
    x: { layer: 2, row: 0 },
    y: { layer: 2, row: 1 },
    b: { layer: 0, row: 2 },
    u: { layer: 1, row: 2 },
    z: { layer: 2, row: 2 },
  });
});

test('links that would cross do not', () => {
  const { places } = layOut({
    sources: ['a', 'b', 'c'],
    topics: ['t1', 't2', 't3'],
    sinks: ['all'],
    links: [
      { from: 'a', to: 't3' },
      { from: 'b', to: 't2' },
      { from: 'c', to: 't1' },
      ...['t1', 't2', 't3'].map((topic) => ({ from: topic, to: 'all' })),
    ],
  });
  const row = (id: string) => places.get(id)!.row;
  expect([row('a'), row('b'), row('c')]).toEqual([row('t3'), row('t2'), row('t1')]);
});

test('what is linked with nothing has a place all the same, and no two have one', () => {
  const { places, rows } = layOut({ sources: ['a', 'b'], topics: [], sinks: ['z'], links: [] });
  expect(rows).toBe(3);
  expect(new Set([...places.values()].map(({ layer, row }) => `${layer} ${row}`)).size).toBe(3);
});
