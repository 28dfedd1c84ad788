/** What Drover uses of this client, so that a bundler can leave the rest out: loaded on demand, a package comes whole. */
export { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
