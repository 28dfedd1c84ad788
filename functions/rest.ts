import type { InstallationIdentity } from '../src/config/override-identity.ts';
import { createHerder } from '../src/herder/create-herder.ts';
import { createRestHandler } from '../src/rest/rest-handler.ts';
import { droverBuild, kafkaConnectVersion } from '../src/version.ts';
import { clock, environment, loggerLevels, stores, telemetry } from './function-context.ts';
import { plugins } from './plugins.ts';

export const handler = createRestHandler({
  herder: createHerder({
    configs: stores.config,
    statuses: stores.status,
    offsets: stores.offsets,
    cluster: stores.cluster,
    plugins,
    converterDefaults: environment.converterDefaults,
    clock,
    version: kafkaConnectVersion,
    commit: droverBuild,
    logLevel: environment['drover.log.level'],
    overrideRules: { policy: environment.overridePolicy, installation: installation() },
  }),
  telemetry,
  middleware: loggerLevels(),
});

/** By the settings alone: this function knows no secret, so whether there is a client certificate is left to the task. */
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
