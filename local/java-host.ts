import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { classPath, hostArchive } from '../src/java-host/jvm-command.ts';
import { cacheFolder, projectFolder } from './folders.ts';

const run = promisify(execFile);
const project = join(projectFolder, 'hosts/java');

/**
 * A folder of jars: the program that runs Java plugins, `drover-host.jar`, and what it needs. Built by Maven when its
 * sources have changed. Safe to call from several processes at a time.
 */
export async function javaHost(): Promise<string> {
  mkdirSync(cacheFolder, { recursive: true });
  // Where it really is: an archive of classes is of no use to a JVM that finds their jars elsewhere.
  const cache = realpathSync(cacheFolder);
  const folder = join(cache, `java-host-${digestOf(project, cache)}`);
  if (!existsSync(folder)) await build(folder);
  if (!existsSync(join(folder, hostArchive))) await archiveClasses(folder);
  return folder;
}

async function build(folder: string): Promise<void> {
  const work = mkdtempSync(join(cacheFolder, 'java-host-build-'));
  try {
    for (const name of ['pom.xml', 'src']) cpSync(join(project, name), join(work, name), { recursive: true });
    await run('mvn', ['-q', '-B', '-f', join(work, 'pom.xml'), 'package', '-DskipTests'], { maxBuffer: 1 << 24 }).catch(
      (error: { stdout?: string; stderr?: string; message: string }) => {
        const said = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim() || error.message;
        throw new Error(`Maven could not build hosts/java:\n${said.split('\n').slice(0, 30).join('\n')}`);
      },
    );
    const target = join(work, 'target', 'lib');
    renameSync(join(work, 'target', 'drover-host.jar'), join(target, 'drover-host.jar'));
    try {
      renameSync(target, folder);
    } catch (error) {
      // Another process was quicker.
      if (!existsSync(folder)) throw error;
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Half of what a start takes is the loading of classes. A JVM that cannot keep them does without. */
async function archiveClasses(folder: string): Promise<void> {
  const work = mkdtempSync(join(cacheFolder, 'java-host-archive-'));
  const made = join(work, hostArchive);
  try {
    await run('java', [`-XX:ArchiveClassesAtExit=${made}`, '-cp', classPath(folder), 'drover.host.Rehearsal']);
    renameSync(made, join(folder, hostArchive));
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string };
    process.stderr.write(`No archive of the Java host's classes: ${stderr.trim().split('\n').at(-1) || message}\n`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Writes the manifest of the plugins that lie in these folders of a plugin path. */
export async function writeJavaManifest(file: string, pluginPath: readonly string[]): Promise<void> {
  const jars = await javaHost();
  try {
    await run(
      'java',
      ['-Xshare:auto', '-XX:TieredStopAtLevel=1', '-cp', join(jars, '*'), 'drover.host.Manifest', file, ...pluginPath],
      {
        maxBuffer: 1 << 26,
      },
    );
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string };
    throw new Error(
      `No manifest of ${pluginPath.join(', ')}: ${stderr.trim().split('\n').slice(-15).join('\n') || message}`,
    );
  }
}

function digestOf(folder: string, place: string): string {
  const hash = createHash('sha256').update(`${place}\n`);
  const files = [join(folder, 'pom.xml'), ...filesUnder(join(folder, 'src', 'main'))];
  for (const file of files.sort())
    hash
      .update(`${relative(folder, file)}\n`)
      .update(readFileSync(file))
      .update('\n');
  return hash.digest('hex').slice(0, 10);
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesUnder(path) : [path];
  });
}
