/** Only for connectors that take a role of their own. */
export { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
