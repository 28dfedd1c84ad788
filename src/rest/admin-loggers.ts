import { loggerEntity } from './entities.ts';
import { badRequest, isObject, readText } from './read-body.ts';
import type { Answer, Call } from './route.ts';

export async function listLoggers({ herder }: Call): Promise<Answer> {
  const loggers = await herder.loggers();
  return { body: new Map([...loggers].map(([name, info]) => [name, loggerEntity(info)])) };
}

export async function getLogger({ herder, params }: Call): Promise<Answer> {
  return { body: loggerEntity(await herder.logger(params.logger!)) };
}

/** Drover's own: Java keeps a level until its worker ends. */
export async function resetLoggerLevel({ herder, params }: Call): Promise<Answer> {
  return { body: await herder.resetLoggerLevel(params.logger!) };
}

/** Levels are in the table, so the scope makes no difference but to the answer; one that is not known means `worker`. */
export async function setLoggerLevel(call: Call): Promise<Answer> {
  const body = call.body();
  if (!isObject(body)) throw badRequest('The request body must be a JSON object');
  const level = readText(body.get('level'), 'level');
  if (level === null || level === '') throw badRequest("Desired 'level' parameter was not specified in request.");
  const changed = await call.herder.setLoggerLevel(call.params.logger!, level);
  return call.query.first('scope')?.toLowerCase() === 'cluster' ? { status: 204 } : { body: changed };
}
