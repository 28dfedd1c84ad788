import { useState } from 'preact/hooks';
import { isRecord, type Json, parseJson, printJson } from '../cli/json.ts';
import { api, type OffsetChange, type OffsetEntry, pathOf } from './api.ts';
import { confirm, tell } from './dialog.ts';
import { stamp } from './format.ts';
import { type Element, html, usePolled } from './html.ts';
import { Empty, Fault, Loading } from './parts.ts';

interface Given {
  readonly name: string;
  readonly type: string;
  readonly state: string;
  readonly tasks: number;
  readonly done: () => void;
}

const keyOf = (value: Json) => printJson(value, 0);

export function partitionText(partition: Json): string {
  if (!isRecord(partition)) return keyOf(partition);
  const { kafka_topic: topic, kafka_partition: number } = partition;
  return topic !== undefined && number !== undefined ? `${topic}, partition ${number}` : keyOf(partition);
}

/** Of a sink the number, of a source its JSON. */
function offsetText(offset: Json): string {
  if (isRecord(offset) && Object.keys(offset).length === 1 && offset.kafka_offset !== undefined) {
    return String(offset.kafka_offset);
  }
  return offset === null ? '' : keyOf(offset);
}

function readOffset(text: string, type: string): { offset: Json } | { fault: string } {
  if (text.trim() === '') return { offset: null };
  if (type === 'sink') {
    if (!/^\d+$/.test(text.trim())) return { fault: 'It must be a whole number, or empty to remove it' };
    return { offset: { kafka_offset: BigInt(text.trim()) } };
  }
  try {
    const offset = parseJson(text);
    return isRecord(offset) ? { offset } : { fault: 'It must be a JSON object, or empty to remove it' };
  } catch {
    return { fault: 'It must be JSON, or empty to remove it' };
  }
}

export function Offsets({ name, type, state, tasks, done }: Given): Element {
  const mayChange = state === 'STOPPED' && tasks === 0;
  // What was read before its tasks had gone may lack their last commit: who changes offsets must see what they replace.
  const { data, error, refresh } = usePolled(`offsets ${name} ${mayChange}`, 4000, async () => {
    const [{ offsets }, { changes }] = await Promise.all([
      api<{ offsets: readonly OffsetEntry[] }>('GET', pathOf(name, '/offsets')),
      api<{ changes: readonly OffsetChange[] }>('GET', `/drover${pathOf(name, '/offsets/history')}`),
    ]);
    return { offsets, changes };
  });
  const [edits, setEdits] = useState<ReadonlyMap<string, string>>(new Map());
  if (data === null) return error === null ? html`<${Loading} />` : html`<${Fault} text=${error} retry=${refresh} />`;
  const { offsets, changes } = data;
  const again = () => {
    setEdits(new Map());
    refresh();
    done();
  };
  const changed = offsets.flatMap(({ partition, offset }) => {
    const text = edits.get(keyOf(partition));
    if (text === undefined || text.trim() === offsetText(offset)) return [];
    return [{ partition, before: offset, text, read: readOffset(text, type) }];
  });
  const wrong = changed.some(({ read }) => 'fault' in read);
  const apply = () =>
    confirm({
      title: `Change offsets of ${name}?`,
      body: html`<p>It goes on from there when it is resumed. The change can be undone.</p>
        <ul class="plain">
          ${changed.map(
            ({ partition, before, text }) => html`<li key=${keyOf(partition)}>
              ${partitionText(partition)}: <span class="mono">${offsetText(before)}</span> →
              <b class="mono">${text.trim() === '' ? 'removed' : text}</b>
            </li>`,
          )}
        </ul>`,
      verb: 'Change offsets',
      act: async () => {
        const body = changed.flatMap(({ partition, read }) =>
          'fault' in read ? [] : [{ partition, offset: read.offset }],
        );
        const { message } = await api<{ message: string }>('PATCH', pathOf(name, '/offsets'), { offsets: body });
        tell(message);
        again();
      },
    });
  const reset = () =>
    confirm({
      title: `Reset all offsets of ${name}?`,
      body:
        type === 'sink'
          ? 'It begins anew, where auto.offset.reset says. The change can be undone.'
          : 'It begins anew, and reads everything again. The change can be undone.',
      verb: 'Reset offsets',
      danger: true,
      act: async () => {
        const { message } = await api<{ message: string }>('DELETE', pathOf(name, '/offsets'));
        tell(message);
        again();
      },
    });
  const undo = () =>
    confirm({
      title: `Undo the last change of ${name}?`,
      body: html`<p>Offsets are as they were before ${stamp(changes[0]!.changed_at)}:</p>
        <${Change} change=${changes[0]!} turned=${true} />`,
      verb: 'Undo',
      act: async () => {
        const { message } = await api<{ message: string }>('POST', `/drover${pathOf(name, '/offsets/undo')}`);
        tell(message);
        again();
      },
    });
  const stop = () =>
    confirm({
      title: `Stop ${name}?`,
      body: 'Its tasks go; config and offsets stay. Resume it when its offsets are as they should be.',
      verb: 'Stop',
      act: async () => {
        await api('PUT', pathOf(name, '/stop'));
        tell(`${name} is stopped`);
        again();
      },
    });
  return html`
    <${Fault} text=${error} />
    ${
      mayChange
        ? null
        : html`<div class="note">
            <p>${state === 'STOPPED' ? 'Its tasks are letting go: a moment.' : 'Offsets change while a connector is stopped.'}</p>
            ${state === 'STOPPED' ? null : html`<button type="button" onClick=${stop}>Stop to change…</button>`}
          </div>`
    }
    ${
      offsets.length === 0
        ? html`<${Empty} title="No offsets yet"><p>They are there when it has committed something.</p><//>`
        : html`<div class="card">
            <ul class="offsets">
              ${offsets.map(({ partition, offset }) => {
                const key = keyOf(partition);
                const text = edits.get(key) ?? offsetText(offset);
                const read = readOffset(text, type);
                const id = `offset ${key}`;
                const put = (event: InputEvent) =>
                  setEdits(new Map([...edits, [key, (event.target as HTMLInputElement).value]]));
                return html`<li key=${key} class=${text.trim() === offsetText(offset) ? '' : 'edited'}>
                  <label for=${id}>${partitionText(partition)}</label>
                  ${
                    mayChange
                      ? html`<input
                          id=${id}
                          class="mono"
                          value=${text}
                          inputmode=${type === 'sink' ? 'numeric' : 'text'}
                          spellcheck=${false}
                          aria-invalid=${'fault' in read ? 'true' : undefined}
                          onInput=${put}
                        />`
                      : html`<output id=${id} class="mono">${offsetText(offset)}</output>`
                  }
                  ${'fault' in read ? html`<small class="wrong">${read.fault}</small>` : null}
                </li>`;
              })}
            </ul>
          </div>`
    }
    <div class="buttons left">
      <button type="button" class="primary" disabled=${!mayChange || changed.length === 0 || wrong} onClick=${apply}>
        Change ${changed.length === 0 ? 'offsets' : `${changed.length} offset${changed.length === 1 ? '' : 's'}`}…
      </button>
      <button type="button" disabled=${!mayChange || changes.length === 0} onClick=${undo}>Undo the last change…</button>
      <button type="button" class="danger" disabled=${!mayChange || offsets.length === 0} onClick=${reset}>Reset all…</button>
    </div>
    ${
      changes.length === 0
        ? null
        : html`<section class="card" aria-label="Changes by hand">
            <h2>Changes by hand</h2>
            <ol class="changes">
              ${changes.map(
                (change) => html`<li key=${change.changed_at}>
                  <time>${stamp(change.changed_at)}</time>
                  <${Change} change=${change} turned=${false} />
                </li>`,
              )}
            </ol>
          </section>`
    }
  `;
}

function Change({ change, turned }: { change: OffsetChange; turned: boolean }): Element {
  const before = new Map(change.before.map(({ partition, offset }) => [keyOf(partition), offset]));
  const after = new Map(change.after.map(({ partition, offset }) => [keyOf(partition), offset]));
  const said = (offset: Json | undefined) => (offset == null ? 'none' : offsetText(offset));
  const keys = [...new Set([...before.keys(), ...after.keys()])];
  return html`<ul class="plain">
    ${keys.map((key) => {
      const [one, other] = [said(before.get(key)), said(after.get(key))];
      return html`<li key=${key}>
        ${partitionText(parseJson(key))}: <span class="mono">${turned ? other : one}</span> →
        <b class="mono">${turned ? one : other}</b>
      </li>`;
    })}
  </ul>`;
}
