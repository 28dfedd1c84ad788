import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ConnectorRow, Overview } from '../cli/answers.ts';
import { ago, count, nothing, rate, shortClass } from './format.ts';
import { type Element, hrefOf, html, type Polled, useSize } from './html.ts';
import { Empty, Fault, Loading, State } from './parts.ts';
import { matches, wordsOf } from './search.ts';
import { useVirtual } from './virtual.ts';

type Sort = 'name' | 'state' | 'tasks' | 'lag' | 'rate' | 'run';

const order = ['FAILED', 'UNASSIGNED', 'RESTARTING', 'PAUSED', 'STOPPED', 'RUNNING'];
const known = (value: number | null) => value ?? -1;

const sorts: Readonly<Record<Sort, (one: ConnectorRow, other: ConnectorRow) => number>> = {
  name: (one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0),
  state: (one, other) => order.indexOf(one.state) - order.indexOf(other.state),
  tasks: (one, other) => other.tasks.length - one.tasks.length,
  lag: (one, other) => known(other.lag) - known(one.lag),
  rate: (one, other) => known(other.recordRate) - known(one.recordRate),
  run: (one, other) => (other.lastRunAt ?? '').localeCompare(one.lastRunAt ?? ''),
};

const columns: readonly (readonly [Sort, string])[] = [
  ['name', 'Name'],
  ['state', 'State'],
  ['tasks', 'Tasks'],
  ['rate', 'Records'],
  ['lag', 'Lag'],
  ['run', 'Last run'],
];

/** Words of the search, each of which must be in what a row shows. */
export function Connectors({ overview }: { overview: Polled<Overview> }): Element {
  const [search, setSearch] = useState('');
  const [state, setState] = useState<string | null>(null);
  const [sort, setSort] = useState<{ by: Sort; turned: boolean }>({ by: 'name', turned: false });
  const [at, setAt] = useState(0);
  const [sizeOf, { width }] = useSize();
  const field = useRef<HTMLInputElement>(null);
  const { data, error, refresh } = overview;
  const all = data?.connectors ?? [];
  const states = useMemo(() => {
    const counts = new Map<string, number>();
    for (const row of all) counts.set(row.state, (counts.get(row.state) ?? 0) + 1);
    return [...counts].sort(([one], [other]) => order.indexOf(one) - order.indexOf(other));
  }, [all]);
  const rows = useMemo(() => {
    const words = wordsOf(search);
    const found = all.filter((row) => (state === null || row.state === state) && matches(row, words));
    const by = sorts[sort.by];
    const sign = sort.turned ? -1 : 1;
    return found.sort((one, other) => sign * by(one, other) || sorts.name(one, other));
  }, [all, search, state, sort]);
  const narrow = width > 0 && width < 720;
  const virtual = useVirtual(rows.length, narrow ? 76 : 48);
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || isTyping(event.target)) return;
      event.preventDefault();
      field.current?.focus();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);

  if (data === null) return error === null ? html`<${Loading} />` : html`<${Fault} text=${error} retry=${refresh} />`;
  if (all.length === 0) {
    return html`<${Empty} title="No connectors yet">
      <p>A connector brings records from a system to Kafka, or from Kafka to a system.</p>
      <p><a class="button primary" href="#/new">New connector</a></p>
    <//>`;
  }
  const current = Math.min(at, rows.length - 1);
  const keys = (event: KeyboardEvent) => {
    const moves: Record<string, number> = {
      ArrowDown: current + 1,
      j: current + 1,
      ArrowUp: current - 1,
      k: current - 1,
      Home: 0,
      End: rows.length - 1,
      PageDown: current + 12,
      PageUp: current - 12,
    };
    const row = rows[current];
    if (event.key === 'Enter' && row !== undefined) location.hash = hrefOf('connectors', row.name);
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(rows.length - 1, move));
    setAt(next);
    virtual.reveal(next);
  };
  const showAll = () => {
    setSearch('');
    setState(null);
  };
  const turn = (by: Sort) => setSort((old) => ({ by, turned: old.by === by ? !old.turned : false }));
  return html`
    <h1 class="unseen">Connectors</h1>
    <${Fault} text=${error} />
    <div class="tools">
      <input
        ref=${field}
        type="search"
        placeholder="Search connectors, topics, errors"
        aria-label="Search connectors"
        value=${search}
        onInput=${(event: InputEvent) => {
          setSearch((event.target as HTMLInputElement).value);
          setAt(0);
        }}
        onKeyDown=${(event: KeyboardEvent) => event.key === 'ArrowDown' && document.getElementById('rows')?.focus()}
      />
      <div class="chips" role="group" aria-label="Only those in a state">
        <button type="button" aria-pressed=${state === null} onClick=${() => setState(null)}>All <b>${all.length}</b></button>
        ${states.map(
          ([name, number]) => html`<button
            key=${name}
            type="button"
            aria-pressed=${state === name}
            onClick=${() => setState(state === name ? null : name)}
          >
            <${State} state=${name} /> <b>${number}</b>
          </button>`,
        )}
      </div>
    </div>
    <div class="table ${narrow ? 'narrow' : ''}" ref=${sizeOf} role="table" aria-label="Connectors" aria-rowcount=${rows.length + 1}>
      <div class="head" role="row" aria-rowindex="1">
        ${columns.map(
          ([by, title]) => html`<span
            key=${by}
            role="columnheader"
            class=${by === 'state' ? '' : by}
            aria-sort=${sort.by === by ? (sort.turned ? 'descending' : 'ascending') : 'none'}
          >
            <button type="button" onClick=${() => turn(by)}>
              ${title}${sort.by === by ? html`<i aria-hidden="true">${sort.turned ? '↑' : '↓'}</i>` : null}
            </button>
          </span>`,
        )}
        <span role="columnheader" class="error">Last error</span>
      </div>
      <div
        id="rows"
        class="rows"
        role="rowgroup"
        tabindex="0"
        ref=${virtual.ref}
        onScroll=${virtual.onScroll}
        onKeyDown=${keys}
        aria-label="Connectors; arrows move, Enter opens"
      >
        <div class="space" role="presentation" style=${{ height: `${virtual.height}px` }}>
          ${rows
            .slice(virtual.from, virtual.to)
            .map((row, index) =>
              renderRow(
                row,
                virtual.keyOf(virtual.from + index),
                virtual.from + index,
                narrow ? 76 : 48,
                virtual.from + index === current,
              ),
            )}
        </div>
      </div>
    </div>
    ${
      rows.length > 0
        ? null
        : html`<p class="quiet">
            Nothing is like that. <button type="button" class="plain" onClick=${showAll}>Show all</button>
          </p>`
    }
  `;
}

function renderRow(row: ConnectorRow, key: number, index: number, height: number, current: boolean): Element {
  const going = row.tasks.filter((task) => task.state === 'RUNNING').length;
  return html`<div
    key=${key}
    role="row"
    aria-rowindex=${index + 2}
    class="row ${current ? 'current' : ''}"
    style=${{ transform: `translateY(${index * height}px)` }}
  >
    <span role="cell" class="name">
      <a href=${hrefOf('connectors', row.name)} tabindex="-1">${row.name}</a>
      <small>${row.type} · ${shortClass(row.className)}</small>
    </span>
    <span role="cell" class="state-cell"><${State} state=${row.state} /></span>
    <span role="cell" class="tasks">${row.tasks.length === 0 ? nothing : `${going}/${row.tasks.length}`}</span>
    <span role="cell" class="rate">${rate(row.recordRate)}<small>${count(row.records)} in all</small></span>
    <span role="cell" class="lag ${(row.lag ?? 0) > 0 ? 'behind' : ''}">${count(row.lag)}</span>
    <span role="cell" class="run">${row.running ? 'runs now' : ago(row.lastRunAt)}</span>
    <span role="cell" class="error" title=${row.error ?? ''}>${row.error ?? ''}</span>
  </div>`;
}

export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}
