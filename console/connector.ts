import type { Overview } from '../cli/answers.ts';
import { ApiError, api, type ConnectorInfo, type ConnectorReport, type ConnectorStatus, pathOf } from './api.ts';
import { ConfigForm } from './config-form.ts';
import { confirm, tell } from './dialog.ts';
import { ago, bytes, count, nothing, rate, shortClass, until } from './format.ts';
import { type Element, hrefOf, html, type Polled, usePolled } from './html.ts';
import { Letters } from './letters.ts';
import { Offsets } from './offsets.ts';
import { Empty, Facts, Fault, Loading, State } from './parts.ts';
import { Runs } from './runs.ts';

export interface ConnectorView {
  readonly info: ConnectorInfo;
  readonly status: ConnectorStatus | null;
  readonly report: ConnectorReport | null;
  readonly topics: readonly string[];
}

/** Null instead of 404: the status is not there in the first moment, reports are Drover's alone. */
async function find<T>(path: string): Promise<T | null> {
  return await api<T>('GET', path).catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  });
}

async function look(name: string): Promise<ConnectorView | null> {
  const [info, status, report, topics] = await Promise.all([
    find<ConnectorInfo>(pathOf(name)),
    find<ConnectorStatus>(pathOf(name, '/status')),
    find<ConnectorReport>(`/drover${pathOf(name)}`),
    find<Record<string, { topics: readonly string[] }>>(pathOf(name, '/topics')),
  ]);
  return info === null ? null : { info, status, report, topics: topics?.[name]?.topics ?? [] };
}

const tabs = [
  ['', 'Tasks'],
  ['runs', 'Runs'],
  ['config', 'Config'],
  ['offsets', 'Offsets'],
  ['dead-letters', 'Dead letters'],
] as const;

interface Given {
  readonly name: string;
  readonly tab: string;
  readonly overview: Polled<Overview>;
  readonly changed: () => void;
}

export function ConnectorPage({ name, tab, overview, changed }: Given): Element {
  const { data, error, refresh } = usePolled(`connector ${name}`, 3000, () => look(name));
  const row = overview.data?.connectors.find((one) => one.name === name);
  const gone = data === null && error === null && overview.data !== null && row === undefined;
  if (data === null) {
    if (error !== null) return html`<${Fault} text=${error} retry=${refresh} />`;
    if (!gone) return html`<${Loading} />`;
    return html`<${Empty} title=${`There is no connector ${name}`}><p><a href="#/connectors">All connectors</a></p><//>`;
  }
  const { info, status, report } = data;
  const tasks = status?.tasks ?? [];
  const state = status?.connector.state ?? 'UNASSIGNED';
  const failed = [status?.connector, ...tasks].find((one) => one?.state === 'FAILED');
  const again = () => {
    refresh();
    changed();
  };
  const lag = row?.lag ?? null;
  return html`
    <div class="title">
      <div>
        <p class="crumb"><a href="#/connectors">Connectors</a></p>
        <h1>${name}</h1>
      </div>
      <${State} state=${failed === undefined ? state : 'FAILED'} />
      <span class="quiet">${info.type} · ${shortClass(info.config['connector.class'] ?? '')}</span>
      <${Actions} name=${name} state=${state} type=${info.type} done=${again} />
    </div>
    <${Fault} text=${error} />
    ${
      failed === undefined
        ? null
        : html`<div class="fault" role="alert">
            <p>${row?.error ?? failed.trace?.split('\n')[0] ?? 'It has failed.'}</p>
            <button type="button" onClick=${() => restart(name, again)}>Restart…</button>
          </div>`
    }
    <div class="card">
      <${Facts}
        facts=${[
          ['Records', `${rate(row?.recordRate ?? null)}`],
          ['In all', count(row?.records ?? null)],
          ['Bytes', bytes(row?.bytes ?? null)],
          ['Lag', lag !== null && lag > 0 ? html`<span class="behind">${count(lag)}</span>` : count(lag)],
          ['Runs', count(row?.runs ?? null)],
          ['Last run', row?.running === true ? 'runs now' : ago(row?.lastRunAt ?? null)],
          ['Topics', data.topics.length === 0 ? nothing : data.topics.join(', ')],
        ]}
      />
    </div>
    <nav class="tabs" aria-label="Of this connector">
      ${tabs.map(
        ([key, title]) => html`<a
          key=${key}
          href=${key === '' ? hrefOf('connectors', name) : hrefOf('connectors', name, key)}
          aria-current=${tab === key ? 'page' : undefined}
          >${title}</a
        >`,
      )}
    </nav>
    ${
      tab === 'runs'
        ? html`<${Runs} connector=${name} overview=${overview.data} />`
        : tab === 'config'
          ? html`<${ConfigForm} name=${name} config=${info.config} done=${again} />`
          : tab === 'offsets'
            ? html`<${Offsets} name=${name} type=${info.type} state=${state} tasks=${tasks.length} done=${again} />`
            : tab === 'dead-letters'
              ? html`<${Letters} name=${name} type=${info.type} replay=${report?.replay ?? null} done=${again} />`
              : html`<${Tasks} view=${data} done=${again} />`
    }
  `;
}

function Tasks({ view, done }: { view: ConnectorView; done: () => void }): Element {
  const { info, status, report } = view;
  const tasks = status?.tasks ?? [];
  if (tasks.length === 0) {
    return html`<${Empty} title="No tasks">
      <p>A stopped connector has none; one that was just made will have some in a moment.</p>
    <//>`;
  }
  return html`<div class="stack">
    ${tasks.map((task) => {
      const found = report?.tasks.find(({ id }) => id === task.id);
      const next =
        found === undefined
          ? nothing
          : found.running
            ? 'runs now'
            : found.next_due_at !== null
              ? until(found.next_due_at)
              : found.watched
                ? 'when there is data'
                : nothing;
      return html`<section key=${task.id} class="card" aria-label=${`Task ${task.id}`}>
        <div class="title">
          <h2>Task ${task.id}</h2>
          <${State} state=${task.state} />
          <button type="button" class="push" onClick=${() => restartTask(info.name, task.id, done)}>Restart…</button>
        </div>
        <${Facts}
          facts=${[
            ['Records', count(found?.records ?? null)],
            ['Bytes', bytes(found?.bytes ?? null)],
            ['Lag', count(found?.lag.records ?? null)],
            ['Runs', count(found?.runs ?? null)],
            ['Last run', ago(found?.last_run_at ?? null)],
            ['Next run', next],
            ['Failures in a row', count(found?.consecutive_failures ?? null)],
          ]}
        />
        ${task.trace === undefined ? null : html`<pre class="trace" tabindex="0">${task.trace}</pre>`}
      </section>`;
    })}
  </div>`;
}

interface ActionsGiven {
  readonly name: string;
  readonly type: string;
  readonly state: string;
  readonly done: () => void;
}

function Actions({ name, type, state, done }: ActionsGiven): Element {
  const put = (verb: string, title: string, body: string, said: string) => () =>
    confirm({
      title: `${title} ${name}?`,
      body,
      verb: title,
      act: async () => {
        await api('PUT', pathOf(name, `/${verb}`));
        tell(`${name} ${said}`);
        done();
      },
    });
  const isStill = state === 'PAUSED' || state === 'STOPPED';
  return html`<div class="buttons push" role="group" aria-label="What can be done">
    ${
      isStill
        ? html`<button type="button" onClick=${put('resume', 'Resume', 'It goes on where it was.', 'goes on')}>Resume…</button>`
        : html`<button type="button" onClick=${put('pause', 'Pause', 'Its tasks stay, and do nothing until it is resumed.', 'is paused')}>
            Pause…
          </button>`
    }
    ${
      state === 'STOPPED'
        ? null
        : html`<button type="button" onClick=${put('stop', 'Stop', 'Its tasks go; config and offsets stay. Offsets can be changed then.', 'is stopped')}>
            Stop…
          </button>`
    }
    <button type="button" onClick=${() => restart(name, done)}>Restart…</button>
    <button type="button" class="danger" onClick=${() => remove(name, type, done)}>Delete…</button>
  </div>`;
}

function restart(name: string, done: () => void): void {
  confirm({
    title: `Restart ${name}?`,
    body: 'The connector and all its tasks begin again where they have committed.',
    verb: 'Restart',
    act: async () => {
      await api('POST', pathOf(name, '/restart?includeTasks=true&onlyFailed=false'));
      tell(`${name} is restarted`);
      done();
    },
  });
}

function restartTask(name: string, task: number, done: () => void): void {
  confirm({
    title: `Restart task ${task} of ${name}?`,
    body: 'It begins again where it has committed.',
    verb: 'Restart',
    act: async () => {
      await api('POST', pathOf(name, `/tasks/${task}/restart`));
      tell(`Task ${task} of ${name} is restarted`);
      done();
    },
  });
}

function remove(name: string, type: string, done: () => void): void {
  const offsets =
    type === 'sink'
      ? 'Its offsets stay in its consumer group.'
      : 'Its offsets stay, as with Kafka Connect: one of the same name goes on there. Reset them first if that is not meant.';
  confirm({
    title: `Delete ${name}?`,
    body: html`<p>The connector and its config are gone. ${offsets}</p>`,
    verb: 'Delete',
    danger: true,
    typed: name,
    act: async () => {
      await api('DELETE', pathOf(name));
      tell(`${name} is deleted`);
      location.hash = '#/connectors';
      done();
    },
  });
}
