import { pluginEntity } from './entities.ts';
import { readConfig } from './read-body.ts';
import type { Answer, Call } from './route.ts';

export async function listPlugins({ herder, query }: Call): Promise<Answer> {
  return { body: herder.plugins(query.flag('connectorsOnly', true)).map(pluginEntity) };
}

export async function getPluginConfig({ herder, params, query }: Call): Promise<Answer> {
  return { body: await herder.pluginConfig(params.plugin!, query.first('version')) };
}

export async function validateConfig(call: Call): Promise<Answer> {
  return { body: await call.herder.validateConnectorConfig(call.params.plugin!, readConfig(call.body())) };
}
