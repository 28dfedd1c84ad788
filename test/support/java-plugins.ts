import { execFile } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { javaHost, writeJavaManifest } from '../../local/java-host.ts';
import { kafkaVersion } from '../../local/kafka.ts';
import { jars, unpacked } from '../../local/maven.ts';
import type { AnyPlugin, PluginDescriptor, PluginKind } from '../../src/api/plugin.ts';
import type { EnvironmentSettings } from '../../src/config/environment-config.ts';
import { HostProcess } from '../../src/java-host/host-process.ts';
import { type JavaPlugins, javaPlugins } from '../../src/java-host/hosted-plugins.ts';
import { type JavaManifest, parseJavaManifest } from '../../src/java-host/manifest.ts';

const run = promisify(execFile);

export interface TestJava extends JavaPlugins {
  readonly manifest: JavaManifest;
  /** Every JVM that was started, the last one at the end. */
  readonly started: HostProcess[];
  plugin<K extends PluginKind>(kind: K, name: string): PluginDescriptor<K>;
  /** By which another process finds them. */
  readonly settings: EnvironmentSettings;
  /** For files of the tests; gone afterwards. */
  readonly folder: string;
  close(): Promise<void>;
}

/** Plugins of this folder's Java sources, Apache's file connectors, and what lies in further folders, over a real JVM. */
export async function startTestJava(more: readonly string[] = [], heapMb = 128): Promise<TestJava> {
  const folder = mkdtempSync(join(tmpdir(), 'drover-java-test-'));
  const path = join(folder, 'plugins');
  mkdirSync(path);
  const host = await javaHost();
  await pack(host, folder, 'probe', join(path, 'probe'), ['ProbeSource$Missing.class']);
  await pack(host, folder, 'broken', join(path, 'broken'), ['Base.class']);
  mkdirSync(join(path, 'no-jar'));
  writeFileSync(join(path, 'no-jar', 'cut-short.jar'), 'PK');
  const files = await jars('connect-file', [`org.apache.kafka:connect-file:${kafkaVersion}`]);
  for (const plugin of [files, ...more])
    symlinkSync(plugin, join(path, basename(plugin).replace(/-[0-9a-f]{10}$/, '')));
  const file = join(folder, 'java-plugins.json');
  await writeJavaManifest(file, [path]);
  const manifest = parseJavaManifest(readFileSync(file, 'utf8'));
  const started: HostProcess[] = [];
  const options = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', `-Xmx${heapMb}m`];
  const java = javaPlugins({
    manifest,
    startHost: async () => {
      const made = await HostProcess.start({ java: 'java', jars: host, pluginPath: [path], options });
      started.push(made);
      return made;
    },
  });
  return {
    ...java,
    manifest,
    started,
    settings: {
      'drover.java.manifest': file,
      'drover.java.host': host,
      'drover.java.plugin.path': path,
      'drover.java.options': options.join(' '),
    },
    folder,
    plugin<K extends PluginKind>(kind: K, name: string) {
      const found = java.plugins.find((plugin: AnyPlugin) => plugin.kind === kind && plugin.className === name);
      if (found === undefined) throw new Error(`The manifest has no ${kind} ${name}`);
      return found as AnyPlugin & PluginDescriptor<K>;
    },
    async close() {
      await java.host.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Apache's own connectors of its integration tests, in watch of what they are called: a folder for a plugin path, here or
 * of a Java worker.
 */
export async function packWatched(folder: string): Promise<string> {
  const host = await javaHost();
  const tests = await unpacked('connect-runtime-tests', `org.apache.kafka:connect-runtime:jar:test:${kafkaVersion}`);
  const common = await jars('server-common', [`org.apache.kafka:kafka-server-common:${kafkaVersion}`]);
  const classes = join(folder, 'watched-classes');
  const sources = join(import.meta.dirname, 'java', 'watched');
  const files = readdirSync(sources).map((file) => join(sources, file));
  const path = [join(host, '*'), tests].join(delimiter);
  await run('javac', ['--release', '17', '-d', classes, '-cp', path, ...files]);
  const own = join('org', 'apache', 'kafka', 'connect');
  const needed =
    /^(?:Testable|Monitorable(?:Sink|Source)Connector|ErrantRecord|\w+Handles?\b|StartAndStop|StartsAndStops|Sample(?:Sink|Source))/;
  const entries = ['integration', 'runtime'].flatMap((room) =>
    readdirSync(join(tests, own, room)).flatMap((file) =>
      needed.test(file) && !/Test(?:\$|\.class)/.test(file) ? ['-C', tests, join(own, room, file)] : [],
    ),
  );
  const to = join(folder, 'watched');
  mkdirSync(to);
  await run('jar', ['--create', '--file', join(to, 'watched.jar'), '-C', classes, 'watched', ...entries]);
  for (const jar of readdirSync(common).filter((name) => name.startsWith('kafka-server-common')))
    copyFileSync(join(common, jar), join(to, jar));
  return to;
}

async function pack(host: string, folder: string, name: string, to: string, without: readonly string[]): Promise<void> {
  const sources = join(import.meta.dirname, 'java', name);
  const classes = join(folder, 'classes');
  const files = readdirSync(sources).map((file) => join(sources, file));
  await run('javac', ['--release', '17', '-d', classes, '-cp', join(host, '*'), ...files]);
  for (const file of without) rmSync(join(classes, name, file));
  const packed = [name];
  if (name === 'broken') {
    const services = join(classes, 'META-INF', 'services');
    mkdirSync(services, { recursive: true });
    writeFileSync(
      join(services, 'org.apache.kafka.connect.source.SourceConnector'),
      'broken.BrokenSource\nbroken.Nowhere\n',
    );
    writeFileSync(
      join(services, 'org.apache.kafka.connect.sink.SinkConnector'),
      'broken.UnmadeSink\nbroken.TooNewSink\n',
    );
    const file = join(classes, name, 'TooNewSink.class');
    const bytes = readFileSync(file);
    // The version of the class file: of a Java that is not there yet.
    bytes.writeUInt16BE(999, 6);
    writeFileSync(file, bytes);
    packed.push('META-INF');
  }
  mkdirSync(to);
  const entries = packed.flatMap((entry) => ['-C', classes, entry]);
  await run('jar', ['--create', '--file', join(to, `${name}.jar`), ...entries]);
}
