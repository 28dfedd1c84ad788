import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { leftOut, parseJavaManifest } from '../src/java-host/manifest.ts';
import { javaHost, writeJavaManifest } from './java-host.ts';

/** Folders of `DROVER_JAVA_PLUGINS`, each as an entry of a worker's `plugin.path`. Throws for one that is not there. */
export function javaPluginFolders(variables: Readonly<Record<string, string | undefined>>): readonly string[] {
  const variable = 'DROVER_JAVA_PLUGINS';
  const folders = (variables[variable] ?? '').split(new RegExp(`[,${delimiter}]`)).map((folder) => folder.trim());
  const given = folders.filter((folder) => folder !== '').map((folder) => resolve(folder));
  const missing = given.find((folder) => !existsSync(folder));
  if (missing === undefined) return given;
  throw new Error(
    `${variable} names ${missing}, and there is no such folder: name folders that hold plugins, each a folder of jars`,
  );
}

/** The context of cdk/app.ts with which the stack has a Java function; none without plugins. `folder`: for the manifest. */
export async function javaContext(folder: string, plugins: readonly string[]): Promise<Record<string, string>> {
  if (plugins.length === 0) return {};
  const javaManifest = join(folder, 'java', 'java-plugins.json');
  const host = await javaHost();
  await writeJavaManifest(javaManifest, plugins);
  for (const line of leftOut(parseJavaManifest(readFileSync(javaManifest, 'utf8')))) process.stderr.write(`${line}\n`);
  return { javaPlugins: plugins.join(','), javaHost: host, javaManifest };
}
