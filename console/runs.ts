import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Overview, Run, RunPage } from '../cli/answers.ts';
import { ask } from './api.ts';
import { bytes, clock, count, dollars, nothing, stamp, took } from './format.ts';
import { type Element, hrefOf, html, usePolled } from './html.ts';
import { Empty, Facts, Fault, Loading } from './parts.ts';
import { type IdleTask, TimeLine, toneOf } from './timeline.ts';
import { useVirtual } from './virtual.ts';

const spans = [
  ['15 min', 15],
  ['1 h', 60],
  ['6 h', 360],
  ['24 h', 1440],
] as const;

/** Asked for in parts: what is known is not asked for again. */
function useRuns(minutes: number): { runs: readonly Run[] | null; cut: boolean; error: string | null; retry(): void } {
  const known = useRef<{ minutes: number; since: number; cursor: string | null; cut: boolean; runs: Run[] }>({
    minutes: 0,
    since: 0,
    cursor: null,
    cut: false,
    runs: [],
  });
  const { data, error, refresh } = usePolled(`runs ${minutes}`, 5000, async () => {
    if (known.current.minutes !== minutes) {
      known.current = { minutes, since: Date.now() - minutes * 60_000, cursor: null, cut: false, runs: [] };
    }
    const { since, cursor, runs } = known.current;
    const page = await ask<RunPage>(`runs?since=${since}${cursor === null ? '' : `&after=${cursor}`}`);
    const [reading] = page.cursor.split('.');
    const goesOn = cursor !== null && cursor.split('.')[0] === reading;
    const from = new Date(Date.now() - minutes * 60_000).toISOString();
    const all = (goesOn ? [...runs, ...page.runs] : [...page.runs]).filter(({ endedAt }) => endedAt >= from);
    if (known.current.minutes === minutes) {
      known.current = { minutes, since, cursor: page.cursor, cut: page.cut, runs: all };
    }
    return { runs: all, cut: page.cut };
  });
  return { runs: data?.runs ?? null, cut: data?.cut ?? false, error, retry: refresh };
}

/** Tasks whose last runs found nothing, the last of them since `from`: told by the overview, for no log has them. */
function idleTasks(overview: Overview | null, from: number): IdleTask[] {
  return (overview?.connectors ?? []).flatMap(({ name, tasks }) =>
    tasks.flatMap(({ id, emptyRuns, lastRunAt }) => {
      const at = lastRunAt === null ? 0 : Date.parse(lastRunAt);
      return emptyRuns > 0 && at >= from ? [{ connector: name, task: `${name}/${id}`, runs: emptyRuns, at }] : [];
    }),
  );
}

/** Of one connector, or of all. */
export function Runs({ connector, overview }: { connector: string | null; overview: Overview | null }): Element {
  const [minutes, setMinutes] = useState(60);
  const [search, setSearch] = useState('');
  const [troubled, setTroubled] = useState(false);
  const [chosen, setChosen] = useState<Run | null>(null);
  const { runs: all, cut, error, retry } = useRuns(minutes);
  const runs = useMemo(() => {
    const text = search.toLowerCase();
    return (all ?? []).filter(
      (run) =>
        (connector === null || run.connector === connector) &&
        (!troubled || run.error !== null) &&
        (text === '' || run.task.toLowerCase().includes(text)),
    );
  }, [all, connector, search, troubled]);
  const idle = useMemo(() => {
    const text = search.toLowerCase();
    return idleTasks(overview, Date.now() - minutes * 60_000).filter(
      (one) =>
        !troubled &&
        (connector === null || one.connector === connector) &&
        (text === '' || one.task.toLowerCase().includes(text)),
    );
  }, [overview, minutes, connector, search, troubled]);
  const sums = useMemo(() => {
    const sum = { records: 0, bytes: 0, cost: 0, failed: 0, empty: 0, known: false };
    for (const { runs: found } of idle) sum.empty += found;
    for (const run of runs) {
      sum.records += run.records ?? 0;
      sum.bytes += run.bytes ?? 0;
      sum.cost += run.cost ?? 0;
      sum.empty += run.emptyRuns ?? 0;
      sum.known ||= run.cost !== null;
      if (run.error !== null) sum.failed++;
    }
    return sum;
  }, [runs, idle]);
  return html`
    ${connector === null ? html`<h1>Runs</h1>` : html`<h2 class="unseen">Runs</h2>`}
    <div class="tools">
      ${
        connector !== null
          ? null
          : html`<input
              type="search"
              placeholder="Search tasks"
              aria-label="Search tasks"
              value=${search}
              onInput=${(event: InputEvent) => setSearch((event.target as HTMLInputElement).value)}
            />`
      }
      <div class="chips" role="group" aria-label="How far back">
        ${spans.map(
          ([title, value]) => html`<button
            key=${value}
            type="button"
            aria-pressed=${minutes === value}
            onClick=${() => setMinutes(value)}
          >
            ${title}
          </button>`,
        )}
      </div>
      <div class="chips">
        <button type="button" aria-pressed=${troubled} onClick=${() => setTroubled(!troubled)}>Only failed or killed</button>
      </div>
    </div>
    <${Fault} text=${error} retry=${retry} />
    ${
      all === null
        ? error === null
          ? html`<${Loading} />`
          : null
        : runs.length === 0 && idle.length === 0
          ? html`<${Empty} title=${troubled ? 'No run has failed' : 'No runs in that time'}>
              <p>
                Nothing runs while nothing flows. Runs that move records, fail or are killed are shown here; those that find
                nothing are counted.
              </p>
            <//>`
          : html`
              <div class="card">
                <${Facts}
                  facts=${[
                    ['Runs', count(runs.length)],
                    ['Found nothing', count(sums.empty)],
                    ['Records', count(sums.records)],
                    ['Bytes', bytes(sums.bytes)],
                    [
                      'Failed or killed',
                      sums.failed === 0
                        ? '0'
                        : html`<span class="state bad"><i aria-hidden="true"></i>${count(sums.failed)}</span>`,
                    ],
                    ['Cost, about', sums.known ? dollars(sums.cost) : nothing],
                  ]}
                />
                ${cut ? html`<p class="quiet">More runs have ended than are kept here: these are the newest.</p>` : null}
              </div>
              <${TimeLine} runs=${runs} idle=${idle} minutes=${minutes} chosen=${chosen} choose=${setChosen} />
              <${Idle} tasks=${idle} />
              ${chosen === null ? null : html`<${Chosen} run=${chosen} close=${() => setChosen(null)} />`}
              <${List} runs=${runs} chosen=${chosen} choose=${setChosen} />
            `
    }
  `;
}

const namedIdle = 5;

/** What the rings of the time line say. */
function Idle({ tasks }: { tasks: readonly IdleTask[] }): Element | null {
  if (tasks.length === 0) return null;
  const newest = [...tasks].sort((one, other) => other.at - one.at);
  const more = newest.length - namedIdle;
  return html`<p class="quiet">
    Found nothing lately: ${newest
      .slice(0, namedIdle)
      .map(({ task, runs, at }) => {
        const often = runs === 1 ? '' : `${count(runs)} runs in a row, the last `;
        return `${task} (${often}at ${clock(at)})`;
      })
      .join(', ')}${more > 0 ? `, and ${count(more)} more tasks` : ''}.
  </p>`;
}

const results: Readonly<Record<string, string>> = {
  ended: 'ended',
  died: 'killed',
  'will be tried again': 'failed for now',
};

export function Result({ run }: { run: Run }): Element {
  const tone = { good: 'good', bad: 'bad', dead: 'bad', held: 'held' }[toneOf(run)];
  return html`<span class="state ${tone}"><i aria-hidden="true"></i>${results[run.result] ?? run.result}</span>`;
}

function Chosen({ run, close }: { run: Run; close: () => void }): Element {
  return html`<section class="card chosen" aria-label="The run that was chosen">
    <div class="title">
      <h2>${run.task}</h2>
      <${Result} run=${run} />
      <button type="button" class="push" onClick=${close}>Close</button>
    </div>
    <${Facts}
      facts=${[
        ['Began', stamp(run.startedAt)],
        ['Took', took(run.durationMs)],
        ['Records', count(run.records)],
        ['Bytes', bytes(run.bytes)],
        ['Commits', count(run.commits)],
        ['Found nothing before it', run.emptyRuns === null ? nothing : `${count(run.emptyRuns)} runs`],
        ['Cost, about', dollars(run.cost)],
      ]}
    />
    ${run.error === null ? null : html`<pre class="trace">${run.error}</pre>`}
    <p><a href=${hrefOf('connectors', run.connector)}>Open ${run.connector}</a></p>
  </section>`;
}

const height = 40;

function List({
  runs,
  chosen,
  choose,
}: {
  runs: readonly Run[];
  chosen: Run | null;
  choose: (run: Run) => void;
}): Element {
  const newest = useMemo(() => [...runs].sort((one, other) => (one.endedAt < other.endedAt ? 1 : -1)), [runs]);
  const virtual = useVirtual(newest.length, height);
  const [at, setAt] = useState(0);
  const current = Math.min(at, newest.length - 1);
  useEffect(() => {
    const index = chosen === null ? -1 : newest.indexOf(chosen);
    if (index >= 0) setAt(index);
  }, [chosen, newest]);
  const keys = (event: KeyboardEvent) => {
    const run = newest[current];
    if (event.key === 'Enter' && run !== undefined) choose(run);
    const moves: Record<string, number> = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: 8, PageUp: -8 };
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(newest.length - 1, current + move));
    setAt(next);
    virtual.reveal(next);
  };
  return html`<div class="table fixed runs" role="table" aria-label="Runs, the newest first" aria-rowcount=${newest.length + 1}>
    <div class="head" role="row" aria-rowindex="1">
      ${['Ended', 'Task', 'Result', 'Took', 'Records', 'Idle before', 'Cost'].map(
        (title) => html`<span key=${title} role="columnheader">${title}</span>`,
      )}
    </div>
    <div
      class="rows"
      role="rowgroup"
      tabindex="0"
      ref=${virtual.ref}
      onScroll=${virtual.onScroll}
      onKeyDown=${keys}
      aria-label="Runs; arrows move, Enter shows one"
    >
      <div class="space" role="presentation" style=${{ height: `${virtual.height}px` }}>
        ${newest.slice(virtual.from, virtual.to).map((run, place) => {
          const index = virtual.from + place;
          return html`<div
            key=${virtual.keyOf(index)}
            role="row"
            aria-rowindex=${index + 2}
            class="row ${index === current ? 'current' : ''}"
            style=${{ transform: `translateY(${index * height}px)` }}
            onClick=${() => choose(run)}
          >
            <span role="cell" title=${stamp(run.endedAt)}>${clock(Date.parse(run.endedAt))}</span>
            <span role="cell">${run.task}</span>
            <span role="cell"><${Result} run=${run} /></span>
            <span role="cell">${took(run.durationMs)}</span>
            <span role="cell">${count(run.records)}</span>
            <span role="cell">${count(run.emptyRuns)}</span>
            <span role="cell">${dollars(run.cost)}</span>
          </div>`;
        })}
      </div>
    </div>
  </div>`;
}
