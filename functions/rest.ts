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
  }),
  telemetry,
  middleware: loggerLevels(),
});
