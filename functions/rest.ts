import { traceOf } from '../src/errors.ts';
import { createHerder } from '../src/herder/create-herder.ts';
import { createRestHandler, type RestHandler, refusingHandler } from '../src/rest/rest-handler.ts';
import { droverBuild, kafkaConnectVersion } from '../src/version.ts';
import { clock, environment, loggerLevels, stores, telemetry } from './function-context.ts';
import { loadPlugins } from './plugins.ts';

function createHandler(): RestHandler {
  const herder = createHerder({
    configs: stores.config,
    statuses: stores.status,
    offsets: stores.offsets,
    cluster: stores.cluster,
    plugins: loadPlugins(),
    clock,
    version: kafkaConnectVersion,
    commit: droverBuild,
    logLevel: environment['drover.log.level'],
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

export const handler = createHandlerOrRefuse();
