import type { FetchedSecret } from '../src/worker/secret-ids.ts';

/** The SDK's client is loaded when the first secret is asked for: most runs need none. */
export async function fetchSecret(id: string): Promise<FetchedSecret> {
  const { GetSecretValueCommand, SecretsManagerClient } = await import('./secrets-manager-sdk.ts');
  const { ARN, SecretString } = await new SecretsManagerClient().send(new GetSecretValueCommand({ SecretId: id }));
  if (SecretString === undefined) throw new Error(`The secret ${id} holds no text`);
  return { arn: ARN ?? null, text: SecretString };
}
