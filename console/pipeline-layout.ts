/** Places connectors and topics in three layers: sources, topics, sinks. */

export interface Link {
  readonly from: string;
  readonly to: string;
}

export interface Layers {
  readonly sources: readonly string[];
  readonly topics: readonly string[];
  readonly sinks: readonly string[];
  readonly links: readonly Link[];
}

export interface Placed {
  /** By id: which layer, and which place in it from the top, in steps of one node; halves occur. */
  readonly places: ReadonlyMap<string, { readonly layer: 0 | 1 | 2; readonly row: number }>;
  readonly rows: number;
}

/** Each group that hangs together below the other; within one, layers are sorted so that few links cross. */
export function layOut({ sources, topics, sinks, links }: Layers): Placed {
  const neighbours = new Map<string, string[]>();
  for (const id of [...sources, ...topics, ...sinks]) neighbours.set(id, []);
  for (const { from, to } of links) {
    neighbours.get(from)?.push(to);
    neighbours.get(to)?.push(from);
  }
  const places = new Map<string, { layer: 0 | 1 | 2; row: number }>();
  const seen = new Set<string>();
  const layerOf = new Map<string, 0 | 1 | 2>();
  for (const [layer, ids] of [sources, topics, sinks].entries()) {
    for (const id of ids) layerOf.set(id, layer as 0 | 1 | 2);
  }
  let top = 0;
  for (const begin of neighbours.keys()) {
    if (seen.has(begin)) continue;
    const group: string[][] = [[], [], []];
    const open = [begin];
    seen.add(begin);
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      group[layerOf.get(id)!]!.push(id);
      for (const other of neighbours.get(id)!) {
        if (seen.has(other)) continue;
        seen.add(other);
        open.push(other);
      }
    }
    for (const layer of group) layer.sort();
    for (let sweep = 0; sweep < 4; sweep++) {
      for (const layer of sweep % 2 === 0 ? [1, 2] : [1, 0]) sortByNeighbours(group, layer, neighbours);
    }
    const tall = Math.max(...group.map((layer) => layer.length));
    for (const [layer, ids] of group.entries()) {
      const offset = (tall - ids.length) / 2;
      for (const [index, id] of ids.entries()) {
        places.set(id, { layer: layer as 0 | 1 | 2, row: top + offset + index });
      }
    }
    top += tall;
  }
  return { places, rows: top };
}

/** By the middle of what each is linked with; what is linked with nothing keeps its place. */
function sortByNeighbours(group: string[][], layer: number, neighbours: ReadonlyMap<string, readonly string[]>): void {
  const at = new Map<string, number>();
  for (const ids of group) for (const [index, id] of ids.entries()) at.set(id, index / Math.max(1, ids.length));
  const middle = new Map(
    group[layer]!.map((id) => {
      const found = neighbours.get(id)!;
      const sum = found.reduce((total, other) => total + (at.get(other) ?? 0), 0);
      return [id, found.length === 0 ? (at.get(id) ?? 0) : sum / found.length];
    }),
  );
  group[layer]!.sort((one, other) => middle.get(one)! - middle.get(other)! || (one < other ? -1 : 1));
}
