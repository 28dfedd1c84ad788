import type { InstallationIdentity } from '../src/config/override-identity.ts';
import { createHerder } from '../src/herder/create-herder.ts';
import type { Herder } from '../src/herder/herder.ts';
import { droverBuild, kafkaConnectVersion } from '../src/version.ts';
import { clock, environment, home, stores } from './function-context.ts';
import { loadPlugins } from './plugins.ts';

/** Of the functions that take wishes. */
export function installationHerder(): Herder {
  return createHerder({
    configs: stores.config,
    statuses: stores.status,
    offsets: stores.offsets,
    cluster: stores.cluster,
    plugins: loadPlugins(),
    converterDefaults: environment.converterDefaults,
    clock,
    version: kafkaConnectVersion,
    commit: droverBuild,
    logLevel: environment['drover.log.level'],
    hasRunner: environment['drover.runner.queue'] !== null,
    feedRules: { declared: environment.feeds, claims: stores.feeds, home, clock },
    overrideRules: {
      policy: environment.overridePolicy,
      installation: installation(),
      hosts: environment['drover.connector.hosts'],
    },
  });
}

/** By the settings alone: these functions know no secret, so whether there is a client certificate is left to the task. */
function installation(): InstallationIdentity | null {
  const protocol = environment['security.protocol'];
  if (protocol === 'PLAINTEXT' || protocol === 'SSL') return null;
  return {
    bootstrapServers: environment['bootstrap.servers'].join(','),
    protocol,
    mechanism: environment['sasl.mechanism'],
    certificate: false,
  };
}
