import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const projectFolder = dirname(dirname(fileURLToPath(import.meta.url)));

/** Everything that the local stack keeps: downloads, data, logs, `stack.json`. `DROVER_HOME` moves it. */
export const homeFolder = resolve(projectFolder, process.env.DROVER_HOME ?? '.local');

export const cacheFolder = join(homeFolder, 'cache');

/** Where this project's node is, so that what we start runs the same one. */
export const binFolder = join(projectFolder, 'node_modules', '.bin');

/** Our environment with this project's node first on the path. */
export function pathWithNode(): string {
  return `${binFolder}:${process.env.PATH ?? ''}`;
}
