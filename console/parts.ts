import { type Children, type Element, html } from './html.ts';

const shapes: Readonly<Record<string, string>> = {
  RUNNING: 'good',
  PAUSED: 'held',
  STOPPED: 'off',
  FAILED: 'bad',
  UNASSIGNED: 'wait',
  RESTARTING: 'wait',
};

/** A state in words, with a colour and a shape of its own. */
export function State({ state }: { state: string }): Element {
  const text = state.charAt(0) + state.slice(1).toLowerCase();
  return html`<span class="state ${shapes[state] ?? 'wait'}"><i aria-hidden="true"></i>${text}</span>`;
}

export function Empty({ title, children }: { title: string; children?: Children }): Element {
  return html`<div class="empty"><h2>${title}</h2>${children}</div>`;
}

export function Fault({ text, retry }: { text: string | null; retry?: () => void }): Element {
  if (text === null) return null;
  return html`<div class="fault" role="alert">
    <p>${text}</p>
    ${retry === undefined ? null : html`<button type="button" onClick=${retry}>Try again</button>`}
  </div>`;
}

export const Loading = (): Element => html`<p class="quiet loading" role="status">Loading…</p>`;

/** Figures beside each other, a name above each. */
export function Facts({ facts }: { facts: readonly (readonly [string, Element])[] }): Element {
  return html`<dl class="facts">
    ${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
  </dl>`;
}
