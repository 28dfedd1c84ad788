import { useEffect, useRef, useState } from 'preact/hooks';
import { type Element, html } from './html.ts';

export interface Question {
  readonly title: string;
  /** What will be, in words of the one who is asked. */
  readonly body: Element;
  /** What the button says: the verb, not OK. */
  readonly verb: string;
  /** Something is gone afterwards. */
  readonly danger?: boolean;
  /** What must be typed first: the name of what is deleted. */
  readonly typed?: string;
  /** Done when it is agreed to; what it throws is shown, and nothing is closed. */
  readonly act: () => Promise<void>;
}

let put: (question: Question | null) => void = () => {};
let say: (text: string) => void = () => {};

/** Everything that changes something asks first. */
export const confirm = (question: Question): void => put(question);

/** Tells of what was done, for a moment. */
export const tell = (text: string): void => say(text);

export function Dialogs(): Element {
  const [question, setQuestion] = useState<Question | null>(null);
  const [said, setSaid] = useState<{ text: string; id: number } | null>(null);
  put = setQuestion;
  say = (text) => setSaid({ text, id: Date.now() });
  useEffect(() => {
    if (said === null) return;
    const timer = setTimeout(() => setSaid(null), 5000);
    return () => clearTimeout(timer);
  }, [said]);
  return html`
    ${question === null ? null : html`<${Confirm} key=${question.title} question=${question} close=${() => setQuestion(null)} />`}
    <div class="told" role="status" aria-live="polite">${said === null ? null : html`<p key=${said.id}>${said.text}</p>`}</div>
  `;
}

function Confirm({ question, close }: { question: Question; close: () => void }): Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const [typed, setTyped] = useState('');
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const act = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setFault(null);
    try {
      await question.act();
      close();
    } catch (error) {
      setFault(error instanceof Error ? error.message : String(error));
      setBusy(false);
    }
  };
  const held = question.typed !== undefined && typed !== question.typed;
  return html`
    <dialog ref=${dialog} aria-labelledby="asked" onClose=${close} onCancel=${(event: Event) => busy && event.preventDefault()}>
      <form onSubmit=${act}>
        <h2 id="asked">${question.title}</h2>
        <div class="asked">${question.body}</div>
        ${
          question.typed === undefined
            ? null
            : html`<label class="field">
                <span>Type <b>${question.typed}</b> to go on</span>
                <input
                  value=${typed}
                  autocomplete="off"
                  spellcheck=${false}
                  onInput=${(event: InputEvent) => setTyped((event.target as HTMLInputElement).value)}
                />
              </label>`
        }
        ${fault === null ? null : html`<p class="fault" role="alert">${fault}</p>`}
        <div class="buttons">
          <button type="button" disabled=${busy} onClick=${close} autofocus>Cancel</button>
          <button class=${question.danger === true ? 'danger' : 'primary'} disabled=${busy || held}>
            ${busy ? 'Working…' : question.verb}
          </button>
        </div>
      </form>
    </dialog>
  `;
}
