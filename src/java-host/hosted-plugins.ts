import type { AnyPlugin } from '../api/plugin.ts';
import { JavaSinkConnector, JavaSourceConnector } from './java-connector.ts';
import { JavaConverter, JavaHeaderConverter } from './java-converter.ts';
import { JavaPredicate, JavaTransformation } from './java-transformation.ts';
import type { JavaManifest, JavaPluginInfo } from './manifest.ts';
import type { StartHost } from './warm-host.ts';
import { WarmHost } from './warm-host.ts';

export interface JavaPlugins {
  readonly plugins: readonly AnyPlugin[];
  /** The one JVM behind them, which is there once one of them has been used. */
  readonly host: WarmHost;
}

/** The plugins of a manifest, run in a JVM that `startHost` starts when one is first used and when one has died. */
export function javaPlugins(options: { readonly manifest: JavaManifest; readonly startHost: StartHost }): JavaPlugins {
  const host = new WarmHost(options.startHost);
  return { plugins: options.manifest.plugins.map((info) => hostedPlugin(info, host)), host };
}

function hostedPlugin(info: JavaPluginInfo, host: WarmHost): AnyPlugin {
  const { kind, className, version, location, config } = info;
  const about = { className, version, runtime: 'java', doc: `From ${location}.`, config } as const;
  const subject = { className, location };
  switch (kind) {
    case 'source':
      return { ...about, kind, create: () => new JavaSourceConnector(host, subject) };
    case 'sink':
      return { ...about, kind, create: () => new JavaSinkConnector(host, subject) };
    case 'converter':
      return { ...about, kind, create: () => new JavaConverter(host, subject) };
    case 'header_converter':
      return { ...about, kind, create: () => new JavaHeaderConverter(host, subject) };
    case 'transformation':
      return { ...about, kind, create: () => new JavaTransformation(host, subject) };
    case 'predicate':
      return { ...about, kind, create: () => new JavaPredicate(host, subject) };
  }
}
