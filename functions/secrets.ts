import type { ConfigProvider } from '../src/worker/config-providers.ts';
import {
  envConfigProvider,
  fileConfigProvider,
  secretsManagerConfigProvider,
  ssmConfigProvider,
} from '../src/worker/config-providers.ts';
import { clock, environment } from './function-context.ts';

/** The SDK's clients are loaded when the first secret is asked for: most runs need none. */
export async function fetchSecret(id: string): Promise<string> {
  const { GetSecretValueCommand, SecretsManagerClient } = await import('./secrets-manager-sdk.ts');
  const { SecretString } = await new SecretsManagerClient().send(new GetSecretValueCommand({ SecretId: id }));
  if (SecretString === undefined) throw new Error(`The secret ${id} holds no text`);
  return SecretString;
}

async function fetchParameter(name: string): Promise<string> {
  const { GetParameterCommand, SSMClient } = await import('./ssm-sdk.ts');
  const { Parameter } = await new SSMClient().send(new GetParameterCommand({ Name: name, WithDecryption: true }));
  if (Parameter?.Value === undefined) throw new Error(`The parameter ${name} holds no text`);
  return Parameter.Value;
}

const known: Readonly<Record<string, () => ConfigProvider>> = {
  secretsmanager: () => secretsManagerConfigProvider(fetchSecret, clock.now),
  ssm: () => ssmConfigProvider(fetchParameter, clock.now),
  env: () => envConfigProvider(process.env),
  file: () => fileConfigProvider,
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
