import { existsSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

/** Where a source file belongs, which is also how it is called in traces, in messages and in the bundle's own folders. */
export class SourceNames {
  readonly #drover: string;
  readonly #app: string;

  /** `drover`: the folder of this package. `pluginsModule`: a module of the app, or nothing. */
  constructor(drover: string, pluginsModule: string | undefined) {
    this.#drover = drover;
    this.#app = pluginsModule === undefined ? drover : packageFolder(pluginsModule);
  }

  /** `drover/src/…`, `node_modules/…`, or the path within the app. */
  nameOf(file: string): string {
    if (isWithin(this.#drover, file)) {
      const inside = posix(relative(this.#drover, file));
      // In the checkout the app may lie within Drover's folder, and both have their packages there.
      if (inside.startsWith('node_modules/')) return inside;
      return this.isApps(file) ? posix(relative(this.#app, file)) : `drover/${inside}`;
    }
    const packages = posix(file).indexOf('/node_modules/');
    if (packages >= 0) return posix(file).slice(packages + 1);
    return isWithin(this.#app, file) ? posix(relative(this.#app, file)) : posix(file).replace(/^\/+/, '');
  }

  /** Whether the app's author wrote it: neither Drover nor a package did. */
  isApps(file: string): boolean {
    if (file.includes(`${sep}node_modules${sep}`)) return false;
    if (!isWithin(this.#drover, file)) return true;
    return ['src', 'functions', 'cdk', 'dist'].every((folder) => !isWithin(join(this.#drover, folder), file));
  }

  /** The folder that a module may take files from: the app's, or that of the module's own package. */
  rootOf(file: string): string {
    return this.isApps(file) ? this.#app : packageFolder(file);
  }
}

/** The package's own folder below node_modules, or the nearest with a package.json, or the file's. */
export function packageFolder(file: string): string {
  const installed = /^.*[/\\]node_modules[/\\](?:@[^/\\]+[/\\])?[^/\\]+/.exec(file)?.[0];
  if (installed !== undefined) return installed;
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) return dirname(file);
  }
}

export function isWithin(folder: string, file: string): boolean {
  const path = relative(folder, file);
  return path === '' || (path !== '..' && !path.startsWith(`..${sep}`));
}

function posix(path: string): string {
  return path.replaceAll(sep, '/');
}
