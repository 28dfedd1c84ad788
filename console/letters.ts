import { useState } from 'preact/hooks';
import type { DeadLetter } from '../cli/answers.ts';
import { api, ask, type Letters as LettersAnswer, pathOf, type Replay } from './api.ts';
import { confirm, tell } from './dialog.ts';
import { stamp } from './format.ts';
import { type Element, hrefOf, html, usePolled } from './html.ts';
import { Empty, Fault, Loading } from './parts.ts';

interface Given {
  readonly name: string;
  readonly type: string;
  readonly replay: Replay | null;
  readonly done: () => void;
}

export function Letters({ name, type, replay, done }: Given): Element {
  const { data, error, refresh } = usePolled<LettersAnswer>(`letters ${name}`, 10_000, () =>
    ask(`dead-letters?connector=${encodeURIComponent(name)}`),
  );
  const [to, setTo] = useState('');
  if (data === null && error === null) return html`<${Loading} />`;
  if (data !== null && data.topic === null) {
    return html`<${Empty} title="No dead letter queue">
      <p>
        Records that cannot be converted or delivered stop the connector. With <code>errors.tolerance=all</code> and a topic in
        <code>${data.key}</code> they are put there, and shown here.
      </p>
      <p><a href=${hrefOf('connectors', name, 'config')}>Change its config</a></p>
    <//>`;
  }
  const letters = data?.letters ?? [];
  const isSource = type === 'source';
  const ask_ = () =>
    confirm({
      title: `Replay the dead letters of ${name}?`,
      body: isSource
        ? html`<p>They are put into the topic ${to}, one after the other.</p>`
        : html`<p>
            Each is put back into the topic that it came from, and read again by whoever reads that: mend what was wrong first. Those
            that do not say where they came from stay${to === '' ? '' : `, or go to ${to}`}.
          </p>`,
      verb: 'Replay',
      act: async () => {
        const body = to.trim() === '' ? undefined : { topic: to.trim() };
        const { message } = await api<{ message: string }>(
          'POST',
          `/drover${pathOf(name, '/dead-letters/replay')}`,
          body,
        );
        tell(message);
        refresh();
        done();
      },
    });
  return html`
    <${Fault} text=${error} retry=${refresh} />
    ${
      replay === null
        ? null
        : html`<div class="note" role="status">
            <p>
              ${
                replay.done_at === null
                  ? `A replay is under way: ${replay.replayed} are back.`
                  : `The last replay put ${replay.replayed} back, ${stamp(replay.done_at)}.`
              }
              ${replay.error === null ? null : html`<b class="wrong">${replay.error}</b>`}
            </p>
          </div>`
    }
    <div class="tools">
      <h2>${data === null ? 'Dead letters' : `${letters.length === 0 ? 'No' : letters.length} dead letter${letters.length === 1 ? '' : 's'} in ${data.topic}`}</h2>
      <label class="beside push">
        <span>${isSource ? 'Replay to' : 'Without an origin, to'}</span>
        <input value=${to} placeholder="topic" onInput=${(event: InputEvent) => setTo((event.target as HTMLInputElement).value)} />
      </label>
      <button type="button" class="primary" disabled=${isSource && to.trim() === ''} onClick=${ask_}>Replay all…</button>
    </div>
    ${
      data !== null && letters.length === 0
        ? html`<${Empty} title="Nothing was refused"><p>What cannot be converted or delivered is shown here.</p><//>`
        : html`<div class="stack">${letters.map((letter) => html`<${Letter} key=${`${letter.partition} ${letter.offset}`} letter=${letter} />`)}</div>`
    }
  `;
}

function Letter({ letter }: { letter: DeadLetter }): Element {
  const { context, headers } = letter;
  const origin =
    context.topic === undefined
      ? 'origin not told'
      : `${context.topic}, partition ${context.partition}, offset ${context.offset}`;
  return html`<details class="card letter">
    <summary>
      <span class="wrong">${context['exception.message'] ?? 'No reason is told: set errors.deadletterqueue.context.headers.enable'}</span>
      <small>record of ${stamp(letter.timestamp)} · ${origin}${context.stage === undefined ? '' : ` · ${context.stage.toLowerCase().replaceAll('_', ' ')}`}</small>
    </summary>
    <h3>Key</h3>
    <pre tabindex="0">${letter.key ?? 'null'}</pre>
    <h3>Value</h3>
    <pre tabindex="0">${letter.value ?? 'null'}</pre>
    <h3>Headers</h3>
    ${Object.keys(headers).length === 0 ? html`<p class="quiet">None of its own.</p>` : html`<${Pairs} of=${headers} />`}
    <h3>What went wrong</h3>
    <${Pairs} of=${context} />
  </details>`;
}

const Pairs = ({ of }: { of: Readonly<Record<string, string | null>> }): Element => html`<dl class="pairs">
  ${Object.entries(of).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value ?? 'null'}</dd></div>`)}
</dl>`;
