import { useState } from 'preact/hooks';
import { api, type Plugin } from './api.ts';
import { ConfigForm } from './config-form.ts';
import { shortClass } from './format.ts';
import { type Element, hrefOf, html, usePolled } from './html.ts';
import { Fault, Loading } from './parts.ts';

/** First which connector, then its settings. */
export function NewConnector({ className, done }: { className: string; done: () => void }): Element {
  const { data, error, refresh } = usePolled<readonly Plugin[]>('plugins', 3_600_000, () =>
    api('GET', '/connector-plugins'),
  );
  const [search, setSearch] = useState('');
  if (className !== '') {
    return html`
      <div class="title">
        <div>
          <p class="crumb"><a href="#/new">New connector</a></p>
          <h1>${shortClass(className)}</h1>
        </div>
      </div>
      <${ConfigForm} key=${className} name=${null} config=${{ 'connector.class': className }} done=${done} />
    `;
  }
  if (data === null) return error === null ? html`<${Loading} />` : html`<${Fault} text=${error} retry=${refresh} />`;
  const text = search.toLowerCase();
  const found = data.filter((plugin) => plugin.class.toLowerCase().includes(text) || plugin.type.includes(text));
  const kinds = [
    ['source', 'Sources', 'Bring records to Kafka'],
    ['sink', 'Sinks', 'Bring records from Kafka to a system'],
  ] as const;
  return html`
    <h1>New connector</h1>
    <div class="tools">
      <input
        type="search"
        placeholder="Search"
        aria-label="Search kinds of connectors"
        value=${search}
        onInput=${(event: InputEvent) => setSearch((event.target as HTMLInputElement).value)}
      />
    </div>
    ${kinds.map(([kind, title, said]) => {
      const plugins = found.filter(({ type }) => type === kind);
      if (plugins.length === 0) return null;
      return html`<section key=${kind} aria-label=${title}>
        <h2>${title} <small>${said}</small></h2>
        <ul class="plugins">
          ${plugins.map(
            (plugin) => html`<li key=${plugin.class}>
              <a class="card" href=${hrefOf('new', plugin.class)}>
                <b>${shortClass(plugin.class)}</b>
                <small>${plugin.class}</small>
                <small>${plugin.version}</small>
              </a>
            </li>`,
          )}
        </ul>
      </section>`;
    })}
  `;
}
