import type { InstallationIdentity } from '../src/config/override-identity.ts';
import { traceOf } from '../src/errors.ts';
import { createHerder } from '../src/herder/create-herder.ts';
import { createRestHandler, type RestHandler, refusingHandler } from '../src/rest/rest-handler.ts';
import { droverBuild, kafkaConnectVersion } from '../src/version.ts';
import { clock, environment, home, loggerLevels, stores, telemetry } from './function-context.ts';
import { loadPlugins } from './plugins.ts';

function createHandler(): RestHandler {
  const herder = createHerder({
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
    feedRules: { declared: environment.feeds, claims: stores.feeds, home },
    overrideRules: {
      policy: environment.overridePolicy,
      installation: installation(),
      hosts: environment['drover.connector.hosts'],
    },
  });
  return createRestHandler({ herder, telemetry, middleware: loggerLevels() });
}

/** A function that cannot start would leave the caller with the gateway's bare 500. */
function createHandlerOrRefuse(): RestHandler {
  try {
    return createHandler();
  } catch (error) {
    telemetry.emit('rest.failed', { method: '*', path: '*', error: String(error), trace: traceOf(error) });
    return refusingHandler(error);
  }
}

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

export const handler = createHandlerOrRefuse();
