import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { api, type CheckedValue, type ConfigValue, pathOf, type Validation } from './api.ts';
import { confirm, tell } from './dialog.ts';
import { type Element, hrefOf, html } from './html.ts';
import { Fault, Loading } from './parts.ts';

type Config = Readonly<Record<string, string | null>>;

interface Given {
  /** Null: a new one. */
  readonly name: string | null;
  readonly config: Config;
  readonly done: () => void;
}

const validateAfterMs = 350;
const hidden = new Set(['name', 'connector.class']);

/**
 * Settings as their declarations tell them, checked by the installation as they are typed. Keys that nobody declares, such as
 * those of transformations, have a place of their own.
 */
export function ConfigForm({ name, config, done }: Given): Element {
  const [edits, setEdits] = useState<Config>({});
  const [ownName, setOwnName] = useState('');
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const [tried, setTried] = useState(false);
  const [all, setAll] = useState(false);
  const [search, setSearch] = useState('');
  const [checked, setChecked] = useState<Validation | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const values = useMemo(() => {
    const merged = { ...config, ...edits, name: name ?? ownName };
    return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null && value !== '')) as Record<
      string,
      string
    >;
  }, [config, edits, name, ownName]);
  const className = values['connector.class'] ?? '';
  const asked = useRef(0);
  const text = JSON.stringify(values);
  useEffect(() => {
    const number = ++asked.current;
    const timer = setTimeout(
      async () => {
        try {
          const found = await api<Validation>(
            'PUT',
            `/connector-plugins/${encodeURIComponent(className)}/config/validate`,
            {
              ...(JSON.parse(text) as object),
            },
          );
          if (number !== asked.current) return;
          setChecked(found);
          setFault(null);
        } catch (error) {
          if (number === asked.current) setFault(error instanceof Error ? error.message : String(error));
        }
      },
      asked.current === 1 ? 0 : validateAfterMs,
    );
    return () => clearTimeout(timer);
  }, [text, className]);

  if (checked === null) return fault === null ? html`<${Loading} />` : html`<${Fault} text=${fault} />`;
  const put = (key: string, value: string) => setEdits((old) => ({ ...old, [key]: value }));
  const touch = (key: string) => setTouched((old) => new Set([...old, key]));
  const fields = checked.configs.filter(isDeclared).filter(({ definition }) => !hidden.has(definition.name));
  const declared = new Set(fields.map(({ definition }) => definition.name));
  const wrong = checked.configs.filter(({ value }) => value.errors.length > 0);
  const checkedOf = new Map(checked.configs.map((field) => [field.value.name, field.value]));
  const faultsOf = (key: string): readonly string[] =>
    tried || touched.has(key) || (values[key] ?? '') !== '' ? (checkedOf.get(key)?.errors ?? []) : [];
  const words = search.toLowerCase();
  const isShown = ({ definition, value }: ConfigValue) => {
    if (words !== '') {
      return `${definition.name} ${definition.display_name} ${definition.documentation}`.toLowerCase().includes(words);
    }
    if (value.errors.length > 0 || config[definition.name] != null || edits[definition.name] != null) return true;
    if (all) return value.visible;
    return (
      definition.required || (definition.importance === 'HIGH' && definition.group === null) || own.has(definition.name)
    );
  };
  // What this connector alone has, and its author calls important, comes first.
  const own = new Set(
    fields
      .filter(({ definition }) => definition.importance === 'HIGH' && !common.test(definition.name))
      .map(({ definition }) => definition.name),
  );
  const shown = fields.filter(isShown);
  const groups = Map.groupBy(shown, ({ definition }) => definition.group ?? 'Settings');
  const others = Object.keys(values).filter((key) => !declared.has(key) && !hidden.has(key));
  const changes = Object.keys({ ...config, ...edits }).filter(
    (key) => (edits[key] ?? config[key] ?? '') !== (config[key] ?? ''),
  );
  const nameFaults = name === null ? faultsOf('name') : [];

  const submit = (event: Event) => {
    event.preventDefault();
    setTried(true);
    const first = wrong[0];
    if (first !== undefined) {
      document.getElementById(`setting ${first.value.name}`)?.focus();
      return;
    }
    const { name: _, ...settings } = values;
    const target = name ?? ownName.trim();
    confirm({
      title: name === null ? `Create ${target}?` : `Change ${target}?`,
      body:
        name === null
          ? html`<p>It begins at once with this config:</p>
              <pre class="trace">${JSON.stringify(settings, null, 2)}</pre>`
          : html`<p>Its tasks begin again with the new config, where they have committed.</p>
              <ul class="plain">
                ${changes.map(
                  (key) => html`<li key=${key}>
                    <span class="mono">${key}</span>: <span class="mono">${config[key] ?? 'not set'}</span> →
                    <b class="mono">${values[key] ?? 'not set'}</b>
                  </li>`,
                )}
              </ul>`,
      verb: name === null ? 'Create' : 'Change',
      act: async () => {
        if (name === null) await api('POST', '/connectors', { name: target, config: settings });
        else await api('PUT', pathOf(target, '/config'), settings);
        tell(name === null ? `${target} is created` : `${target} is changed`);
        setEdits({});
        done();
        location.hash = hrefOf('connectors', target);
      },
    });
  };
  return html`<form class="config" onSubmit=${submit} novalidate>
    <${Fault} text=${fault} />
    <div class="tools">
      <input
        type="search"
        placeholder="Search settings"
        aria-label="Search settings"
        value=${search}
        onInput=${(event: InputEvent) => setSearch((event.target as HTMLInputElement).value)}
      />
      <label class="beside"><input type="checkbox" checked=${all} onChange=${() => setAll(!all)} /> <span>All ${fields.length} settings</span></label>
    </div>
    ${
      name !== null
        ? null
        : html`<fieldset class="card">
            <legend>Name</legend>
            <div class="setting">
              <label for="setting name">Name of the connector</label>
              <input
                id="setting name"
                value=${ownName}
                autocomplete="off"
                spellcheck=${false}
                required
                aria-invalid=${nameFaults.length > 0 ? 'true' : undefined}
                aria-describedby="about name"
                onInput=${(event: InputEvent) => setOwnName((event.target as HTMLInputElement).value)}
                onBlur=${() => touch('name')}
              />
              <small id="about name">
                ${nameFaults.length > 0 ? html`<span class="wrong">${nameFaults[0]}</span>` : 'It cannot be changed later.'}
              </small>
            </div>
          </fieldset>`
    }
    ${[...groups].map(
      ([group, found]) => html`<fieldset key=${group} class="card">
        <legend>${group}</legend>
        ${found.map((field) => {
          const key = field.definition.name;
          return html`<${Setting}
            key=${key}
            field=${field}
            value=${edits[key] ?? config[key] ?? ''}
            faults=${faultsOf(key)}
            put=${put}
            touch=${touch}
          />`;
        })}
      </fieldset>`,
    )}
    <${Others} keys=${others} values=${values} faultsOf=${faultsOf} put=${put} />
    <div class="bar">
      <span class=${tried && wrong.length > 0 ? 'wrong' : 'quiet'} role="status">
        ${
          wrong.length === 0
            ? name !== null && changes.length === 0
              ? 'Nothing is changed.'
              : 'Everything is as it should be.'
            : `${wrong.length} setting${wrong.length === 1 ? ' needs' : 's need'} a look: ${wrong
                .slice(0, 3)
                .map(({ value }) => value.name)
                .join(', ')}${wrong.length > 3 ? ', …' : ''}`
        }
      </span>
      ${name === null || changes.length === 0 ? null : html`<button type="button" onClick=${() => setEdits({})}>Take back</button>`}
      <button class="primary" disabled=${name !== null && changes.length === 0}>
        ${name === null ? 'Create connector…' : 'Change config…'}
      </button>
    </div>
  </form>`;
}

const isDeclared = (field: CheckedValue): field is ConfigValue => field.definition !== null;

/** Settings that every connector has. */
const common =
  /^(tasks\.max|transforms|predicates|header\.converter|config\.action|exactly\.once|transaction\.|offsets\.storage|topic\.creation|errors\.|drover\.)/;

interface SettingGiven {
  readonly field: ConfigValue;
  readonly value: string;
  readonly faults: readonly string[];
  readonly put: (key: string, value: string) => void;
  readonly touch: (key: string) => void;
}

function Setting({ field, value, faults, put, touch }: SettingGiven): Element {
  const { definition, value: known } = field;
  const key = definition.name;
  const id = `setting ${key}`;
  const choices = definition.type === 'BOOLEAN' ? ['true', 'false'] : known.recommended_values;
  const otherwise =
    definition.default_value === null || definition.default_value === '' ? '' : definition.default_value;
  const common = {
    id,
    'aria-invalid': faults.length > 0 ? 'true' : undefined,
    'aria-describedby': `about ${key}`,
    onBlur: () => touch(key),
  };
  const typed = (event: Event) => put(key, (event.target as HTMLInputElement).value);
  const few = choices.length > 0 && choices.length <= 8 && (value === '' || choices.includes(value));
  return html`<div class="setting">
    <label for=${id}>
      ${definition.display_name || key}${definition.required ? html`<abbr title="required">*</abbr>` : null}
      ${definition.display_name !== key && definition.display_name !== '' ? html`<small class="mono">${key}</small>` : null}
    </label>
    ${
      few
        ? html`<select ...${common} value=${value} onChange=${typed}>
            <option value="">${otherwise === '' ? 'not set' : `default: ${otherwise}`}</option>
            ${choices.map((choice) => html`<option key=${choice} value=${choice}>${choice}</option>`)}
          </select>`
        : html`<input
              ...${common}
              type=${definition.type === 'PASSWORD' ? 'password' : 'text'}
              inputmode=${/^(INT|LONG|SHORT)$/.test(definition.type) ? 'numeric' : undefined}
              value=${value}
              placeholder=${otherwise}
              autocomplete="off"
              spellcheck=${false}
              list=${choices.length > 0 ? `choices ${key}` : undefined}
              onInput=${typed}
            />${choices.length > 0 ? html`<datalist id=${`choices ${key}`}>${choices.map((choice) => html`<option key=${choice} value=${choice} />`)}</datalist>` : null}`
    }
    <small id=${`about ${key}`}>
      ${faults.map((fault) => html`<span key=${fault} class="wrong">${fault}</span>`)}
      ${faults.length === 0 ? definition.documentation : null}
    </small>
  </div>`;
}

interface OthersGiven {
  readonly keys: readonly string[];
  readonly values: Readonly<Record<string, string>>;
  readonly faultsOf: (key: string) => readonly string[];
  readonly put: (key: string, value: string) => void;
}

/** Keys that no declaration names. */
function Others({ keys, values, faultsOf, put }: OthersGiven): Element {
  const [key, setKey] = useState('');
  const add = () => {
    if (key.trim() === '') return;
    put(key.trim(), ' ');
    setKey('');
  };
  return html`<fieldset class="card">
    <legend>Further keys</legend>
    ${keys.map(
      (one) => html`<div key=${one} class="setting">
        <label for=${`setting ${one}`} class="mono">${one}</label>
        <input
          id=${`setting ${one}`}
          value=${values[one]}
          aria-invalid=${faultsOf(one).length > 0 ? 'true' : undefined}
          aria-describedby=${`about ${one}`}
          onInput=${(event: InputEvent) => put(one, (event.target as HTMLInputElement).value)}
        />
        <small id=${`about ${one}`}>
          ${faultsOf(one).map((fault) => html`<span key=${fault} class="wrong">${fault}</span>`)}
          ${values[one] === '' ? 'Empty: it is left out.' : ''}
        </small>
      </div>`,
    )}
    <div class="setting">
      <label for="further key">A key that is not listed</label>
      <span class="joined">
        <input
          id="further key"
          class="mono"
          value=${key}
          placeholder="transforms.name.field"
          spellcheck=${false}
          onInput=${(event: InputEvent) => setKey((event.target as HTMLInputElement).value)}
          onKeyDown=${(event: KeyboardEvent) => {
            if (event.key !== 'Enter') return;
            event.preventDefault();
            add();
          }}
        />
        <button type="button" onClick=${add}>Add</button>
      </span>
      <small>Such as those of a transformation once it is named in transforms.</small>
    </div>
  </fieldset>`;
}
