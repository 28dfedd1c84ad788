import { readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Asset {
  readonly type: string;
  readonly body: Buffer;
}

/** Of the checkout, or of what is built of it: the page lies in `console`, beside `cli`. */
const base = fileURLToPath(new URL('../..', import.meta.url));

/** Libraries of the page, each one file without imports of its own but `preact`. */
const libraries = ['preact', 'preact/hooks', 'htm'] as const;
const addressOf = (library: string) => `/vendor/${library.replace('/', '-')}.js`;

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};
const script = 'text/javascript; charset=utf-8';

/** Every file of the page by its path; nothing else of the disk is served. */
export function readAssets(): ReadonlyMap<string, Asset> {
  const assets = new Map<string, Asset>();
  const page = join(base, 'console');
  for (const name of readdirSync(page)) {
    const extension = extname(name);
    if (/\.d\.ts$|\.json$/.test(name)) continue;
    if (extension === '.ts' || extension === '.js') {
      assets.set(`/console/${name.replace(/\.ts$/, '.js')}`, module(join(page, name)));
    }
    const type = types[extension];
    if (type !== undefined) assets.set(`/console/${name}`, { type, body: readFileSync(join(page, name)) });
  }
  // What the page shares with the command line.
  const shared = extname(import.meta.filename);
  assets.set('/cli/json.js', module(join(base, 'cli', `json${shared}`)));
  for (const library of libraries) {
    assets.set(addressOf(library), module(fileURLToPath(import.meta.resolve(library))));
  }
  return assets;
}

/** Types are taken out of a checkout's files as Node itself does it; a browser knows libraries by their addresses. */
function module(file: string): Asset {
  const text = readFileSync(file, 'utf8');
  const plain = extname(file) === '.ts' ? quietly(() => stripTypeScriptTypes(text)) : text;
  const found = plain
    .replaceAll(/(\bfrom\s*)(["'])([\w/-]+)\2/g, (whole, from: string, quote: string, name: string) =>
      libraries.some((library) => library === name) ? `${from}${quote}${addressOf(name)}${quote}` : whole,
    )
    .replaceAll(/(\bfrom\s*'\.[^']+)\.ts'/g, "$1.js'")
    .replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n');
  return { type: script, body: Buffer.from(found) };
}

/** It is what runs the checkout's own programs, and says once more that it is experimental. */
function quietly<T>(act: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return act();
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Where the first page is. */
export const pagePath = '/console/index.html';
