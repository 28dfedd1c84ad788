/** What Drover uses of this client, so that a bundler can leave the rest out: loaded on demand, a package comes whole. */
export { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
