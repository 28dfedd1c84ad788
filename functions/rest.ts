import { traceOf } from '../src/errors.ts';
import { createRestHandler, type RestHandler, refusingHandler } from '../src/rest/rest-handler.ts';
import { loggerLevels, telemetry } from './function-context.ts';
import { installationHerder } from './herder.ts';

/** A function that cannot start would leave the caller with the gateway's bare 500. */
function createHandlerOrRefuse(): RestHandler {
  try {
    return createRestHandler({ herder: installationHerder(), telemetry, middleware: loggerLevels() });
  } catch (error) {
    telemetry.emit('rest.failed', { method: '*', path: '*', error: String(error), trace: traceOf(error) });
    return refusingHandler(error);
  }
}

export const handler = createHandlerOrRefuse();
