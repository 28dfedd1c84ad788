import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Overview } from '../cli/answers.ts';
import { ask, type InstallationFacts } from './api.ts';
import { ConnectorPage } from './connector.ts';
import { Connectors, isTyping } from './connectors.ts';
import { NewConnector } from './create.ts';
import { Dialogs } from './dialog.ts';
import { type Element, html, usePolled, useRoute } from './html.ts';
import { Pipeline } from './pipeline.ts';
import { Runs } from './runs.ts';

const pages = [
  ['connectors', 'Connectors'],
  ['pipeline', 'Pipeline'],
  ['runs', 'Runs'],
] as const;

function skip(event: Event): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

function App(): Element {
  const [page = '', name = '', tab = ''] = useRoute();
  const overview = usePolled<Overview>('overview', 5000, (fresh) => ask(`overview${fresh ? '?fresh' : ''}`));
  const facts = usePolled<InstallationFacts>('installation', 3_600_000, () => ask('installation'));
  const place = page === '' || page === 'new' ? 'connectors' : page;
  useEffect(() => {
    const title = name !== '' ? name : (pages.find(([key]) => key === place)?.[1] ?? '');
    document.title = page === 'new' ? 'New connector · Drover' : `${title} · Drover`;
    document.getElementById('main')?.scrollTo(0, 0);
  }, [page, name, place]);
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector('dialog[open]') !== null) return;
      const to = { c: 'connectors', p: 'pipeline', r: 'runs', n: 'new' }[event.key];
      if (to !== undefined) location.hash = `#/${to}`;
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);
  return html`
    <a class="skip" href="#main" onClick=${skip}>
      To the content
    </a>
    <header>
      <a class="brand" href="#/connectors"><img src="/console/icon.svg" alt="" width="24" height="24" />Drover</a>
      <nav aria-label="Pages">
        ${pages.map(
          ([key, title]) =>
            html`<a key=${key} href="#/${key}" aria-current=${place === key ? 'page' : undefined}>${title}</a>`,
        )}
      </nav>
      <span class="where" title=${facts.data?.restUrl ?? ''}>${facts.data?.restUrl.replace(/^https?:\/\//, '') ?? ''}</span>
      <a class="button primary" href="#/new">New connector</a>
    </header>
    <main id="main" tabindex="-1">
      ${
        page === 'pipeline'
          ? html`<${Pipeline} overview=${overview} />`
          : page === 'runs'
            ? html`<${Runs} connector=${null} overview=${overview.data} />`
            : page === 'new'
              ? html`<${NewConnector} className=${name} done=${overview.refresh} />`
              : name !== ''
                ? html`<${ConnectorPage} key=${name} name=${name} tab=${tab} changed=${overview.refresh} overview=${overview} />`
                : html`<${Connectors} overview=${overview} />`
      }
    </main>
    <${Dialogs} />
  `;
}

const place = document.getElementById('page');
if (place !== null) {
  place.replaceChildren();
  render(html`<${App} />`, place);
}
