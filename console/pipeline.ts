import { useMemo, useState } from 'preact/hooks';
import type { ConnectorRow, Overview } from '../cli/answers.ts';
import { api, pathOf } from './api.ts';
import { count, counted, rate, shortClass } from './format.ts';
import { type Element, hrefOf, html, type Polled, usePolled, useSize } from './html.ts';
import { Empty, Fault, Loading } from './parts.ts';
import { layOut } from './pipeline-layout.ts';
import { chosen } from './search.ts';

/** A picture of more says nothing any more, and each connector in it is asked for its topics. */
const most = 60;
const step = 76;
const tall = 54;

const urgency = ({ state, lag, recordRate }: ConnectorRow) =>
  (state === 'FAILED' ? 1e12 : 0) + Math.min(1e11, lag ?? 0) + Math.min(1e9, recordRate ?? 0);

export function Pipeline({ overview }: { overview: Polled<Overview> }): Element {
  const [search, setSearch] = useState('');
  const [sizeOf, { width }] = useSize();
  const { data, error, refresh } = overview;
  const { found, shown } = useMemo(() => {
    const { meant, beside } = chosen(data?.connectors ?? [], search);
    return { found: meant.length + beside.length, shown: [...byUrgency(meant), ...byUrgency(beside)].slice(0, most) };
  }, [data, search]);
  // What was written to, the API tells; a topic is there before anything was only if the config names it.
  const names = [...shown.map(({ name }) => name)].sort().join('\n');
  const topics = usePolled<ReadonlyMap<string, readonly string[]>>(`topics ${names}`, 60_000, async () => {
    const all = await Promise.all(
      shown.map(async ({ name }): Promise<[string, readonly string[]]> => {
        const answer = await api<Record<string, { topics: readonly string[] }>>('GET', pathOf(name, '/topics')).catch(
          () => null,
        );
        return [name, answer?.[name]?.topics ?? []];
      }),
    );
    return new Map(all);
  });
  if (data === null) return error === null ? html`<${Loading} />` : html`<${Fault} text=${error} retry=${refresh} />`;
  return html`
    <h1>Pipeline</h1>
    <${Fault} text=${error} />
    <div class="tools">
      <input
        type="search"
        placeholder="Search connectors and topics"
        aria-label="Search connectors and topics"
        value=${search}
        onInput=${(event: InputEvent) => setSearch((event.target as HTMLInputElement).value)}
      />
      ${
        search !== '' && found > 0 && found <= most
          ? html`<span class="quiet">${count(found)} of ${count(data.connectors.length)} connectors: those found, and what shares a topic with them.</span>`
          : null
      }
    </div>
    ${
      found > most
        ? html`<p class="card notice" role="status">
            <b>${most} of ${count(found)} connectors are drawn</b>, the failed first, then those furthest behind and busiest. Search for a
            connector or a topic to see its whole pipeline; the <a href="#/connectors">table</a> has all.
          </p>`
        : null
    }
    <div class="card picture" ref=${sizeOf}>
      ${
        shown.length === 0
          ? html`<${Empty} title=${data.connectors.length === 0 ? 'No connectors yet' : 'Nothing is like that'}>
              <p>Sources, topics and sinks are drawn here, with what flows between them.</p>
            <//>`
          : html`<${Picture} rows=${shown} topics=${topics.data} width=${Math.max(760, width - 40)} />`
      }
    </div>
  `;
}

const byUrgency = (rows: readonly ConnectorRow[]) =>
  [...rows].sort((one, other) => urgency(other) - urgency(one) || (one.name < other.name ? -1 : 1));

const tones: Readonly<Record<string, string>> = { RUNNING: 'good', PAUSED: 'held', STOPPED: 'off', FAILED: 'bad' };

interface Given {
  readonly rows: readonly ConnectorRow[];
  readonly topics: ReadonlyMap<string, readonly string[]> | null;
  readonly width: number;
}

function Picture({ rows, topics, width }: Given): Element {
  const links = rows.flatMap((row) =>
    [...new Set([...row.topics, ...(topics?.get(row.name) ?? [])])].map((topic) =>
      row.type === 'sink'
        ? { from: `topic ${topic}`, to: `connector ${row.name}`, row, topic }
        : { from: `connector ${row.name}`, to: `topic ${topic}`, row, topic },
    ),
  );
  const idsOf = (type: string) =>
    rows.filter((row) => (row.type === 'sink') === (type === 'sink')).map(({ name }) => `connector ${name}`);
  const { places, rows: lines } = layOut({
    sources: idsOf('source'),
    topics: [...new Set(links.map(({ topic }) => `topic ${topic}`))],
    sinks: idsOf('sink'),
    links,
  });
  const wide = Math.min(280, width * 0.27);
  const left = (layer: number) => (layer * (width - wide)) / 2;
  const place = (id: string) => {
    const { layer, row } = places.get(id)!;
    return { x: left(layer), y: 30 + row * step };
  };
  const height = 30 + lines * step;
  const busiest = Math.max(1, ...rows.map(({ recordRate }) => recordRate ?? 0));
  const label = `${counted(rows.length, 'connector')} and the topics between them`;
  return html`<svg viewBox="0 0 ${width} ${height}" width=${width} height=${height} role="group" aria-label=${label}>
    ${['Sources', 'Topics', 'Sinks'].map(
      (title, layer) => html`<text key=${title} class="layer" x=${left(layer)} y="14">${title}</text>`,
    )}
    ${links.map(({ from, to, row, topic }) => {
      const [begin, end] = [place(from), place(to)];
      const [x1, y1, x2, y2] = [begin.x + wide, begin.y + tall / 2, end.x, end.y + tall / 2];
      const flow = row.recordRate ?? 0;
      const bend = (x2 - x1) / 2;
      return html`<path
        key=${`${from} ${to} ${topic}`}
        class="link ${row.state === 'FAILED' ? 'bad' : flow > 0 ? 'flows' : ''}"
        d=${`M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`}
        style=${{ strokeWidth: `${flow > 0 ? 1.5 + 4 * (Math.log1p(flow) / Math.log1p(busiest)) : 1.5}px` }}
      />`;
    })}
    ${rows.map((row) => {
      const id = `connector ${row.name}`;
      const own = links.filter((link) => link.row === row);
      if (own.length === 0) return null;
      const isSink = row.type === 'sink';
      const { x, y } = place(id);
      const at = isSink ? x - 10 : x + wide + 10;
      const behind = isSink && (row.lag ?? 0) > 0;
      return html`<g key=${`figures ${id}`} class="figures" text-anchor=${isSink ? 'end' : 'start'}>
        <text x=${at} y=${y + tall / 2 - 8}>${rate(row.recordRate)}</text>
        ${isSink ? html`<text class=${behind ? 'behind' : ''} x=${at} y=${y + tall / 2 + 20}>lag ${count(row.lag)}</text>` : null}
      </g>`;
    })}
    ${[...new Set(links.map(({ topic }) => topic))].map((topic) => {
      const { x, y } = place(`topic ${topic}`);
      return html`<g key=${`topic ${topic}`} class="topic">
        <title>Topic ${topic}</title>
        <rect x=${x} y=${y} width=${wide} height=${tall} rx=${tall / 2} />
        <text x=${x + wide / 2} y=${y + tall / 2} text-anchor="middle" dominant-baseline="central">${cut(topic, wide - 36)}</text>
      </g>`;
    })}
    ${rows.map((row) => {
      const { x, y } = place(`connector ${row.name}`);
      const said = `${row.name}, ${row.type}, ${row.state.toLowerCase()}, ${rate(row.recordRate)}`;
      return html`<a key=${row.name} href=${hrefOf('connectors', row.name)} class="node ${tones[row.state] ?? 'wait'}">
        <rect x=${x} y=${y} width=${wide} height=${tall} rx="9"><title>${row.error ?? said}</title></rect>
        <rect class="mark" x=${x} y=${y + 9} width="4" height=${tall - 18} rx="2" />
        <text class="name" x=${x + 16} y=${y + 23}>${cut(row.name, wide - 30)}</text>
        <text class="kind" x=${x + 16} y=${y + 41}>${cut(`${shortClass(row.className)} · ${row.state.toLowerCase()}`, wide - 30)}</text>
      </a>`;
    })}
  </svg>`;
}

/** By the width that letters have about. */
const cut = (text: string, width: number) => {
  const letters = Math.max(4, Math.floor(width / 7.6));
  return text.length <= letters ? text : `${text.slice(0, letters - 1)}…`;
};
