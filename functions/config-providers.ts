import type { ConfigProvider } from '../src/worker/config-providers.ts';
import {
  envConfigProvider,
  fileConfigProvider,
  secretsManagerConfigProvider,
  ssmConfigProvider,
} from '../src/worker/config-providers.ts';
import { connectorParameters, connectorSecrets } from '../src/worker/secret-ids.ts';
import { clock, environment } from './function-context.ts';
import { fetchSecret } from './secrets.ts';

async function fetchParameter(name: string): Promise<string> {
  const { GetParameterCommand, SSMClient } = await import('./ssm-sdk.ts');
  const { Parameter } = await new SSMClient().send(new GetParameterCommand({ Name: name, WithDecryption: true }));
  if (Parameter?.Value === undefined) throw new Error(`The parameter ${name} holds no text`);
  return Parameter.Value;
}

function secrets() {
  const allowed = environment['drover.connector.secrets'];
  return connectorSecrets({ allowed, own: environment['drover.security.secret'] }, fetchSecret);
}

const parameters = () => connectorParameters(environment['drover.connector.parameters'], fetchParameter);

const known: Readonly<Record<string, () => ConfigProvider>> = {
  secretsmanager: () => secretsManagerConfigProvider(secrets(), clock.now),
  ssm: () => ssmConfigProvider(parameters(), clock.now),
  env: () => envConfigProvider(process.env, environment['config.providers.env.param.allowlist.pattern']),
  file: () => fileConfigProvider(environment.providerFiles),
};

export function configProviders(): ReadonlyMap<string, ConfigProvider> {
  const providers = new Map<string, ConfigProvider>();
  for (const name of environment['config.providers']) {
    const create = known[name];
    if (create === undefined) {
      throw new Error(`config.providers names ${name}: it may name ${Object.keys(known).join(', ')}`);
    }
    providers.set(name, create());
  }
  return providers;
}
