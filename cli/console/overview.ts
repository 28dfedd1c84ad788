import { gistOf } from '../../src/errors.ts';
import type { ConnectorRow, Overview } from '../answers.ts';
import { type Connector, recordOf } from '../connect-api.ts';
import { isRecord, type Json, type JsonRecord } from '../json.ts';
import type { Rest } from '../rest.ts';

interface Sample {
  readonly at: number;
  readonly records: number;
  readonly bytes: number;
}

const quietMs = 4000;
/** Each connector is a request to the table: the more there are, the less often all are looked at. */
const msOfEach = 20;
const rateOverMs = 60_000;

/** What all connectors do, looked at only as long as somebody looks; rates are by what their counters have gained. */
export class ConnectorWatch {
  readonly #connectors: () => Promise<readonly Connector[]>;
  readonly #rest: Pick<Rest, 'find'>;
  readonly #now: () => number;
  readonly #samples = new Map<string, Sample[]>();
  #last: Promise<Overview> | null = null;
  #askedAt = 0;
  #every = quietMs;

  constructor(rest: Pick<Rest, 'find'>, connectors: () => Promise<readonly Connector[]>, now: () => number) {
    this.#rest = rest;
    this.#connectors = connectors;
    this.#now = now;
  }

  /** `fresh`: something was changed, it is to be seen. */
  look(fresh: boolean): Promise<Overview> {
    const now = this.#now();
    if (this.#last === null || fresh || now - this.#askedAt >= this.#every) {
      this.#askedAt = now;
      const asked = this.#ask();
      this.#last = asked;
      asked.catch(() => {
        if (this.#last === asked) this.#last = null;
      });
    }
    return this.#last;
  }

  async #ask(): Promise<Overview> {
    // A Kafka Connect that is no Drover has no reports: states are shown all the same.
    const [connectors, reports] = await Promise.all([this.#connectors(), this.#rest.find('/drover/connectors')]);
    const at = this.#now();
    const byName = reportsOf(reports);
    for (const name of this.#samples.keys()) if (!byName.has(name)) this.#samples.delete(name);
    this.#every = Math.max(quietMs, connectors.length * msOfEach);
    return {
      at,
      every: this.#every,
      connectors: connectors.map((connector) => this.#row(connector, byName.get(connector.name), at)),
    };
  }

  #row({ name, type, config, status, tasks }: Connector, report: JsonRecord | undefined, at: number): ConnectorRow {
    const known = (Array.isArray(report?.tasks) ? (report.tasks as readonly Json[]) : []).filter(isRecord);
    const sum = (field: string) => known.reduce((total, task) => total + numberOf(task[field]), 0);
    const lags = known.map(({ lag }) => (isRecord(lag) ? lag : {}));
    const [records, bytes] = [sum('records'), sum('bytes')];
    const rate = report === undefined ? null : this.#rate(name, { at, records, bytes });
    const instants = (field: string) => known.flatMap((task) => (typeof task[field] === 'string' ? [task[field]] : []));
    const trace = [status, ...tasks].find((one) => one.state === 'FAILED')?.trace ?? null;
    const passing = trace ?? tasks.find((task) => task.trace !== null)?.trace ?? null;
    const state = tasks.some((task) => task.state === 'FAILED') ? 'FAILED' : status.state;
    return {
      name,
      type,
      className: config['connector.class'] ?? '',
      state,
      tasks: tasks.map(({ id, state }) => {
        const told = known.find((task) => task.id === id);
        const at = told?.last_run_at;
        return {
          id,
          state,
          emptyRuns: numberOf(told?.empty_runs),
          lastRunAt: typeof at === 'string' ? at : null,
        };
      }),
      error: passing === null ? null : gistOf(passing),
      lag: total(lags.map(({ records: lag }) => lag)),
      lagSeconds: greatest(lags.map(({ seconds }) => seconds)),
      records,
      bytes,
      recordRate: rate?.records ?? null,
      byteRate: rate?.bytes ?? null,
      runs: sum('runs'),
      running: known.some(({ running }) => running === true),
      lastRunAt: instants('last_run_at').sort().at(-1) ?? null,
      nextDueAt: instants('next_due_at').sort()[0] ?? null,
      topics: topicsOf(type, config),
    };
  }

  #rate(name: string, sample: Sample): { records: number; bytes: number } | null {
    const samples = this.#samples.get(name) ?? [];
    // Tasks of a new generation begin to count anew.
    if (samples.some(({ records }) => records > sample.records)) samples.length = 0;
    samples.push(sample);
    while (samples.length > 2 && sample.at - samples[1]!.at >= rateOverMs) samples.shift();
    this.#samples.set(name, samples);
    const [first] = samples;
    const seconds = (sample.at - first!.at) / 1000;
    if (seconds <= 0) return null;
    return {
      records: (sample.records - first!.records) / seconds,
      bytes: Math.max(0, sample.bytes - first!.bytes) / seconds,
    };
  }
}

function reportsOf(answer: Json): ReadonlyMap<string, JsonRecord> {
  const list = isRecord(answer) && Array.isArray(answer.connectors) ? (answer.connectors as readonly Json[]) : [];
  return new Map(
    list.map((entry) => {
      const report = recordOf(entry, 'a report');
      return [String(report.name), report];
    }),
  );
}

/** Those that a config names; what a source has written to otherwise, the API tells. */
export function topicsOf(type: string, config: Readonly<Record<string, string>>): string[] {
  const text = type === 'sink' ? config.topics : (config.topic ?? config['kafka.topic']);
  return (text ?? '')
    .split(',')
    .map((topic) => topic.trim())
    .filter((topic) => topic !== '');
}

const numberOf = (value: Json | undefined): number =>
  typeof value === 'number' ? value : typeof value === 'bigint' ? Number(value) : 0;

const known = (values: readonly (Json | undefined)[]): number[] =>
  values.flatMap((value) => (typeof value === 'number' || typeof value === 'bigint' ? [Number(value)] : []));

function total(values: readonly (Json | undefined)[]): number | null {
  const found = known(values);
  return found.length === 0 ? null : found.reduce((sum, value) => sum + value, 0);
}

function greatest(values: readonly (Json | undefined)[]): number | null {
  const found = known(values);
  return found.length === 0 ? null : Math.max(...found);
}
