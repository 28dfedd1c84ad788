import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import {
  Architecture,
  Code,
  type ILayerVersion,
  type Function as LambdaFunction,
  LayerVersion,
} from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { EnvironmentSettings } from '../src/config/environment-config.ts';
import { writeEnvironment } from '../src/environment.ts';
import { countFailedRuns } from './alarms.ts';
import { createFunction, type FunctionSettings, type FunctionsContext } from './functions.ts';
import { absolute, type JavaParts, type PackedJava, packJava, pluginsIn } from './pack-java.ts';

/** Kafka Connect plugins packed as jars, run beside those in TypeScript by a function of their own. */
export interface JavaPlugins {
  /**
   * Folders as on a worker's `plugin.path`: each folder in them, and each jar, is a plugin with a class loader of its own.
   * Relative paths begin where the app runs.
   */
  readonly plugins: readonly string[];
  /** Of the Java function, in MB; its CPU grows with it. @default 1024 */
  readonly memorySize?: number;
  /**
   * Folder of a Java runtime (17 or later) for the function's architecture and Amazon Linux 2023, with `bin/java` in it.
   * @default - made by the `jlink` of this machine, if that is Linux of the same architecture
   */
  readonly runtime?: string;
  /** Folder with the jars of Drover's plugin host. @default - built by this machine's Maven from the sources in Drover */
  readonly host?: string;
  /** Options of the JVM, with spaces between: `-Xmx600m`. @default - three quarters of the memory are the heap's */
  readonly options?: string;
  /**
   * For the emulator of `npm start`: nothing is packed, the function reads the folders and this manifest where they are and
   * runs the machine's own `java`.
   * @default - in layers
   */
  readonly unpacked?: { readonly manifest: string };
}

/** What the functions get of it. */
export interface JavaDeployment {
  /** Of every function: what there is. */
  readonly settings: EnvironmentSettings;
  /** Of the function that runs them, beside that. */
  readonly hostSettings: EnvironmentSettings;
  readonly layers: readonly ILayerVersion[];
  readonly hostLayers: readonly ILayerVersion[];
  /** The same as the layers' contents, for what has none; undefined: nothing is packed. */
  readonly pack?: () => PackedJava;
}

/** Where the layers lie in the functions. */
const opt = '/opt/drover-java';

/** Throws for what is wrong with the prop, by its name. */
export function deployJava(scope: Construct, java: JavaPlugins, architecture: Architecture): JavaDeployment {
  const plugins = absolute(java.plugins);
  if (plugins.length === 0) throw new Error('java.plugins is empty: name the folders that hold your Java plugins');
  pluginsIn(plugins);
  const host = java.host === undefined ? undefined : resolve(java.host);
  if (host !== undefined && !existsSync(join(host, 'drover-host.jar'))) {
    throw new Error(`java.host is "${java.host}": there is no drover-host.jar in it`);
  }
  const options = java.options === undefined ? {} : { 'drover.java.options': java.options };
  if (java.unpacked !== undefined) {
    if (host === undefined)
      throw new Error('java.unpacked needs java.host, the folder that the function reads it from');
    return {
      settings: { 'drover.java.manifest': java.unpacked.manifest },
      hostSettings: { 'drover.java.host': host, 'drover.java.plugin.path': plugins.join(','), ...options },
      layers: [],
      hostLayers: [],
    };
  }
  const { runtime } = java;
  if (runtime !== undefined && !existsSync(join(resolve(runtime), 'bin', 'java'))) {
    throw new Error(`java.runtime is "${runtime}": there is no bin/java in it`);
  }
  const parts: JavaParts = {
    plugins,
    ...(host === undefined ? {} : { host }),
    architecture: architecture.name === Architecture.ARM_64.name ? 'arm64' : 'x64',
    ...(runtime === undefined ? {} : { runtime: resolve(runtime) }),
  };
  const layer = (id: string, description: string, contents: readonly (keyof PackedJava)[]) =>
    new LayerVersion(scope, id, {
      description,
      compatibleArchitectures: [architecture],
      code: layerCode(parts, contents),
    });
  const manifest = layer('JavaManifestLayer', 'Which Java plugins there are, and their settings', ['manifest']);
  return {
    settings: { 'drover.java.manifest': `${opt}/java-plugins.json` },
    hostSettings: {
      'drover.java.home': `${opt}/jre`,
      'drover.java.host': `${opt}/host`,
      'drover.java.plugin.path': `${opt}/plugins`,
      ...options,
    },
    layers: [manifest],
    pack: () => packJava(parts),
    hostLayers: [
      layer('JavaRuntimeLayer', 'Java, and the program that runs plugins', ['jre', 'host']),
      layer('JavaPluginsLayer', 'Java plugins', ['plugins']),
    ],
  };
}

/** Runs the connectors that need Java. */
export function createJavaFunction(
  scope: Construct,
  java: JavaDeployment,
  context: FunctionsContext,
  settings: Pick<FunctionSettings, 'timeout' | 'memorySize' | 'network' | 'reservedConcurrentExecutions'>,
): LambdaFunction {
  const fn = createFunction(scope, 'JavaFunction', 'java-task', context, {
    ...settings,
    description: 'Drover worker: runs of connectors that need Java',
    layers: java.hostLayers,
    environment: writeEnvironment(java.hostSettings),
  });
  countFailedRuns(scope, 'FailedJavaRuns', fn);
  return fn;
}

/** Packed when the CDK wants the files: `cdk ls` and the like do without. */
function layerCode(parts: JavaParts, contents: readonly (keyof PackedJava)[]): Code {
  return Code.fromAsset(parts.plugins[0]!, {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // Never used: what cannot be packed here cannot be packed elsewhere.
      image: DockerImage.fromRegistry('scratch'),
      environment: { parts: JSON.stringify(parts), contents: contents.join(',') },
      local: {
        tryBundle(outdir) {
          const folder = join(outdir, 'drover-java');
          mkdirSync(folder, { recursive: true });
          const packed = packJava(parts);
          for (const one of contents) {
            cpSync(packed[one], join(folder, one === 'manifest' ? 'java-plugins.json' : one), {
              recursive: true,
              verbatimSymlinks: true,
            });
          }
          return true;
        },
      },
    },
  });
}
