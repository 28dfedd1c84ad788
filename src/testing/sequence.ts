/** What a contract finds; every line names one thing that is wrong. */
export class ContractError extends Error {
  override readonly name: string = 'ContractError';
}

/** One record where it has arrived. */
export interface Arrival {
  /** Within one lane order counts: a partition of a topic, say. */
  readonly lane: string;
  readonly id: string;
}

export interface Wanted {
  /** In order; each once. */
  readonly ids: readonly string[];
  /** What is kept in order among itself only; left out: all. */
  readonly orderedBy?: (id: string) => string;
  /** More may follow, of which nothing is known. */
  readonly endless?: boolean;
}

const mostTold = 5;

/**
 * Nothing lost, nothing out of order: in each lane a record comes behind the one before it, or is one that was there
 * already, from where the order goes on. Without `repeats` each comes once.
 */
export function requireSequence(what: string, arrivals: readonly Arrival[], wanted: Wanted, repeats: boolean): void {
  const problems = problemsOf(arrivals, wanted, repeats);
  if (problems.length === 0) return;
  const more = problems.length > mostTold ? `\n… and ${problems.length - mostTold} more` : '';
  throw new ContractError(`${what}:\n${problems.slice(0, mostTold).join('\n')}${more}`);
}

function problemsOf(arrivals: readonly Arrival[], { ids, orderedBy, endless = false }: Wanted, repeats: boolean) {
  const places = new Map(ids.map((id, place) => [id, place]));
  if (places.size < ids.length) throw new ContractError('The expected records cannot be told apart: give each its own');
  const lanes = new Map<string, string[]>();
  const problems: string[] = [];
  for (const { lane, id } of arrivals) {
    if (!places.has(id)) {
      if (!endless) problems.push(`${id} was not expected`);
      continue;
    }
    const key = `${lane} ${orderedBy?.(id) ?? ''}`;
    const list = lanes.get(key);
    if (list) list.push(id);
    else lanes.set(key, [id]);
  }
  const seen = new Set<string>();
  for (const list of lanes.values()) {
    const inOrder = [...new Set(list)].sort((one, other) => places.get(one)! - places.get(other)!);
    const ranks = new Map(inOrder.map((id, rank) => [id, rank]));
    let before = -1;
    for (const id of list) {
      const rank = ranks.get(id)!;
      if (rank > before + 1) problems.push(`${id} came before ${inOrder[before + 1]}, which belongs in front of it`);
      else if (rank <= before && !repeats) problems.push(`${id} came again`);
      before = rank;
      seen.add(id);
    }
  }
  const lost = ids.filter((id) => !seen.has(id));
  return [...lost.map((id) => `${id} never came`), ...problems];
}
