import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './folders.ts';

const run = promisify(execFile);

/**
 * A folder with the jars of these artefacts (`group:artifact:version`) and all they need, copied from Maven once per
 * checkout. Safe to call from several processes at a time.
 */
export function jars(name: string, artifacts: readonly string[]): Promise<string> {
  return fromMaven(name, artifacts, 'dependency:copy-dependencies', artifacts.map(dependency));
}

/** The same for what an archive holds (`group:artifact:type:classifier:version`), which brings all it needs itself. */
export function unpacked(name: string, archive: string): Promise<string> {
  return fromMaven(name, [archive], 'dependency:unpack-dependencies', [packedDependency(archive)]);
}

async function fromMaven(
  name: string,
  artifacts: readonly string[],
  goal: string,
  dependencies: readonly string[],
): Promise<string> {
  const digest = createHash('sha256').update(artifacts.join(' ')).digest('hex').slice(0, 10);
  const folder = join(cacheFolder, `${name}-${digest}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cacheFolder, { recursive: true });
  const work = mkdtempSync(join(cacheFolder, 'maven-'));
  try {
    writeFileSync(join(work, 'pom.xml'), pom(dependencies));
    const target = join(work, 'jars');
    await run('mvn', ['-q', '-B', '-f', join(work, 'pom.xml'), goal, `-DoutputDirectory=${target}`], {
      maxBuffer: 1 << 24,
    }).catch((error: { stdout?: string; stderr?: string; message: string }) => {
      const said = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim() || error.message;
      throw new Error(`Maven could not fetch ${artifacts.join(', ')}:\n${said.split('\n').slice(0, 15).join('\n')}`);
    });
    if (readdirSync(target).length === 0) throw new Error(`Maven copied nothing for ${artifacts.join(', ')}`);
    try {
      renameSync(target, folder);
    } catch (error) {
      // Another process was quicker.
      if (!existsSync(folder)) throw error;
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

function dependency(artifact: string): string {
  const [group, id, version] = artifact.split(':');
  return `<dependency><groupId>${group}</groupId><artifactId>${id}</artifactId><version>${version}</version></dependency>`;
}

function packedDependency(archive: string): string {
  const [group, id, type, classifier, version] = archive.split(':');
  return `<dependency><groupId>${group}</groupId><artifactId>${id}</artifactId><version>${version}</version>
<type>${type}</type><classifier>${classifier}</classifier>
<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions></dependency>`;
}

function pom(dependencies: readonly string[]): string {
  return `<project>
<modelVersion>4.0.0</modelVersion><groupId>drover</groupId><artifactId>jars</artifactId><version>1</version>
<dependencies>
${dependencies.join('\n')}
</dependencies>
</project>
`;
}
