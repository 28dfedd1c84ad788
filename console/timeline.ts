import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Run } from '../cli/answers.ts';
import { clock, count, counted, dollars, took } from './format.ts';
import { type Element, html, useSize } from './html.ts';

export type Tone = 'good' | 'held' | 'bad' | 'dead';

export function toneOf({ result }: Pick<Run, 'result'>): Tone {
  if (result === 'ended') return 'good';
  if (result === 'died' || result === 'cut') return 'dead';
  return result === 'failed' ? 'bad' : 'held';
}

const lane = 30;
const axis = 30;
const steps = [1, 2, 5, 10, 15, 30, 60, 120, 240, 360].map((minutes) => minutes * 60_000);

interface Bar {
  readonly run: Run;
  readonly from: number;
  readonly to: number;
  readonly tone: Tone;
}

/** A task whose last runs in a row found nothing. */
export interface IdleTask {
  readonly connector: string;
  readonly task: string;
  readonly runs: number;
  /** Of the last of them. */
  readonly at: number;
}

interface Lane {
  readonly bars: Bar[];
  idle: IdleTask | null;
}

type Pointed = { readonly run: Run } | { readonly idle: IdleTask };

interface Given {
  readonly idle: readonly IdleTask[];
  readonly runs: readonly Run[];
  readonly minutes: number;
  readonly chosen: Run | null;
  readonly choose: (run: Run | null) => void;
}

/** A lane for each task, a bar for each run, a ring for the last of those that found nothing. One canvas as large as what is in sight, however many lanes there are. */
export function TimeLine({ runs, idle, minutes, chosen, choose }: Given): Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [sizeOf, { width, height }] = useSize();
  const [top, setTop] = useState(0);
  const [hover, setHover] = useState<(Pointed & { x: number; y: number }) | null>(null);
  const [dark, setDark] = useState(() => matchMedia('(prefers-color-scheme: dark)').matches);
  useEffect(() => {
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const changed = () => setDark(scheme.matches);
    scheme.addEventListener('change', changed);
    return () => scheme.removeEventListener('change', changed);
  }, []);
  const lanes = useMemo(() => {
    const found = new Map<string, Lane>();
    const laneOf = (task: string) => {
      const known = found.get(task) ?? { bars: [], idle: null };
      found.set(task, known);
      return known;
    };
    for (const run of runs) {
      const bar = { run, from: Date.parse(run.startedAt), to: Date.parse(run.endedAt), tone: toneOf(run) };
      laneOf(run.task).bars.push(bar);
    }
    for (const one of idle) laneOf(one.task).idle = one;
    return [...found].sort(([one], [other]) => (one < other ? -1 : 1));
  }, [runs, idle]);
  const gutter = Math.min(200, Math.max(90, width * 0.22));
  const end = useMemo(() => Date.now(), [runs, idle]);
  const start = end - minutes * 60_000;
  const scale = Math.max(1, width - gutter - 12) / (end - start);
  const shown = Math.min(lanes.length * lane, 420);

  useEffect(() => {
    const { current } = canvas;
    const context = current?.getContext('2d');
    if (current === null || context == null || width === 0) return;
    const ratio = devicePixelRatio;
    const tall = shown + axis;
    current.width = Math.round(width * ratio);
    current.height = Math.round(tall * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const style = getComputedStyle(current);
    const colour = (name: string) => {
      probe.style.color = `var(--${name})`;
      return getComputedStyle(probe).color;
    };
    const probe = current.parentElement!.querySelector<HTMLElement>('.probe')!;
    const palette = { good: colour('good'), held: colour('held'), bad: colour('bad'), dead: colour('bad') };
    const [ink, soft, line, focus] = [colour('ink'), colour('soft'), colour('line'), colour('focus')];
    context.clearRect(0, 0, width, tall);
    context.font = `13px ${style.fontFamily}`;
    context.textBaseline = 'middle';
    const step = steps.find((one) => one * scale > 74) ?? steps.at(-1)!;
    const zone = new Date(end).getTimezoneOffset() * 60_000;
    context.lineWidth = 1;
    for (let at = Math.ceil((start - zone) / step) * step + zone; at < end; at += step) {
      const x = Math.round(gutter + (at - start) * scale) + 0.5;
      context.strokeStyle = line;
      context.beginPath();
      context.moveTo(x, axis);
      context.lineTo(x, tall);
      context.stroke();
      context.fillStyle = soft;
      context.textAlign = 'center';
      if (x < width - 24) context.fillText(clock(at, false), x, axis / 2);
    }
    const first = Math.floor(top / lane);
    const last = Math.min(lanes.length, Math.ceil((top + shown) / lane));
    context.save();
    context.beginPath();
    context.rect(0, axis, width, shown);
    context.clip();
    context.textAlign = 'left';
    for (let index = first; index < last; index++) {
      const [task, { bars, idle: empty }] = lanes[index]!;
      const y = axis + index * lane - top;
      context.strokeStyle = line;
      context.beginPath();
      context.moveTo(0, Math.round(y + lane) - 0.5);
      context.lineTo(width, Math.round(y + lane) - 0.5);
      context.stroke();
      context.fillStyle = ink;
      context.fillText(fitted(context, task, gutter - 26), 14, y + lane / 2);
      if (empty !== null && empty.at >= start) {
        const x = gutter + (empty.at - start) * scale;
        context.strokeStyle = soft;
        context.lineWidth = 1.5;
        context.beginPath();
        context.arc(x, y + lane / 2, 4, 0, 2 * Math.PI);
        context.stroke();
        context.lineWidth = 1;
        if (bars.length === 0 && x - gutter > 160) {
          context.fillStyle = soft;
          context.textAlign = 'right';
          context.fillText(`${count(empty.runs)} found nothing`, x - 10, y + lane / 2);
          context.textAlign = 'left';
        }
      }
      // What failed lies above what went well beside it.
      for (const troubled of [false, true]) {
        for (const { run, from, to, tone } of bars) {
          if ((tone !== 'good') !== troubled || to < start) continue;
          const x = Math.max(gutter, gutter + (from - start) * scale);
          const wide = Math.max(3, gutter + (to - start) * scale - x);
          context.fillStyle = palette[tone];
          context.globalAlpha = tone === 'good' ? 0.8 : 1;
          if (tone === 'dead') {
            context.lineWidth = 2.5;
            context.strokeStyle = palette.dead;
            context.beginPath();
            context.moveTo(x + wide - 9, y + 10);
            context.lineTo(x + wide + 1, y + 20);
            context.moveTo(x + wide + 1, y + 10);
            context.lineTo(x + wide - 9, y + 20);
            context.stroke();
            context.lineWidth = 1;
          } else {
            context.beginPath();
            context.roundRect(x, y + 8, wide, lane - 16, Math.min(3, wide / 2));
            context.fill();
          }
          context.globalAlpha = 1;
          if (run === chosen) {
            context.strokeStyle = focus;
            context.lineWidth = 2;
            context.strokeRect(x - 3, y + 5, wide + 6, lane - 10);
            context.lineWidth = 1;
          }
        }
      }
    }
    context.restore();
  }, [lanes, width, height, top, start, end, scale, gutter, shown, chosen, dark]);

  const find = (event: MouseEvent): (Pointed & { x: number; y: number }) | null => {
    const box = canvas.current!.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const found = lanes[Math.floor((y - axis + top) / lane)];
    if (y < axis || found === undefined) return null;
    let nearest: { run: Run; away: number } | null = null;
    const { bars, idle: empty } = found[1];
    for (const { run, from, to } of bars) {
      const [left, right] = [gutter + (from - start) * scale, gutter + (to - start) * scale];
      const away = x < left ? left - x : x > right ? x - right : 0;
      if (away < 8 && (nearest === null || away < nearest.away)) nearest = { run, away };
    }
    if (empty !== null && Math.abs(gutter + (empty.at - start) * scale - x) < (nearest?.away ?? 8)) {
      return { idle: empty, x, y };
    }
    return nearest === null ? null : { run: nearest.run, x, y };
  };
  return html`<div class="timeline card" role="group" aria-label="Runs on a time line; the list below has the same">
    <div
      class="lanes"
      ref=${sizeOf}
      onScroll=${(event: Event) => setTop((event.target as HTMLElement).scrollTop)}
      style=${{ height: `${shown + axis}px` }}
      tabindex=${lanes.length * lane > shown ? 0 : undefined}
    >
      <span class="probe"></span>
      <canvas
        ref=${canvas}
        role="img"
        aria-label=${
          `${counted(runs.length, 'run')} of ${counted(lanes.filter(([, { bars }]) => bars.length > 0).length, 'task')} in the last ${counted(minutes, 'minute')}` +
          (idle.length === 0 ? '' : `; of ${counted(idle.length, 'task')} the last runs found nothing`)
        }
        style=${{ width: `${width}px`, height: `${shown + axis}px` }}
        onMouseMove=${(event: MouseEvent) => setHover(find(event))}
        onMouseLeave=${() => setHover(null)}
        onClick=${(event: MouseEvent) => {
          const found = find(event);
          choose(found !== null && 'run' in found ? found.run : null);
        }}
      ></canvas>
      <div style=${{ height: `${Math.max(0, lanes.length * lane - shown)}px` }}></div>
    </div>
    ${
      hover === null
        ? null
        : html`<div
            class="tip"
            style=${{ left: `${Math.min(hover.x + 14, width - 230)}px`, top: `${hover.y + 18}px` }}
          >
            ${
              'idle' in hover
                ? html`<b>${hover.idle.task}</b>
                    <span>${clock(hover.idle.at)}</span>
                    <span>${count(hover.idle.runs)} runs in a row found nothing</span>`
                : html`<b>${hover.run.task}</b>
                    <span>${clock(Date.parse(hover.run.startedAt))} · ${took(hover.run.durationMs)}</span>
                    <span>${hover.run.error ?? `${count(hover.run.records)} records · ${dollars(hover.run.cost)}`}</span>`
            }
          </div>`
    }
    <ul class="legend" aria-hidden="true">
      <li class="good">moved records</li>
      <li class="held">failed, is tried again</li>
      <li class="bad">failed</li>
      <li class="dead">killed</li>
      <li class="idle">found nothing (the last one)</li>
    </ul>
  </div>`;
}

const fits = new Map<string, string>();

function fitted(context: CanvasRenderingContext2D, text: string, width: number): string {
  const key = `${Math.round(width)} ${text}`;
  const known = fits.get(key);
  if (known !== undefined) return known;
  let found = text;
  if (context.measureText(text).width > width) {
    let length = text.length;
    while (length > 1 && context.measureText(`${text.slice(0, length)}…`).width > width) length--;
    found = `${text.slice(0, length)}…`;
  }
  if (fits.size > 5000) fits.clear();
  fits.set(key, found);
  return found;
}
