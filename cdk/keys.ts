import { Annotations, Stack } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type IKey, ViaServicePrincipal } from 'aws-cdk-lib/aws-kms';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

/*
 * The rights on a customer-managed key that the rights on what it encrypts are worth nothing without. The CDK writes such
 * rights into the policy of the key, which it cannot do for an imported one; here they go into the role too.
 */

/** Secrets Manager decrypts in the name of who reads. */
export function permitSecret(secret: ISecret, fn: LambdaFunction): void {
  secret.grantRead(fn);
  if (secret.encryptionKey !== undefined) permitThrough('secretsmanager', secret.encryptionKey, fn, ['kms:Decrypt']);
}

/** DynamoDB uses the table's key in the name of who reads or writes. */
export function permitTableKey(table: ITable, fn: LambdaFunction): void {
  const { encryptionKey } = table;
  if (encryptionKey === undefined) return;
  const actions = ['Decrypt', 'DescribeKey', 'Encrypt', 'GenerateDataKey', 'ReEncryptFrom', 'ReEncryptTo'];
  permitThrough(
    'dynamodb',
    encryptionKey,
    fn,
    actions.map((action) => `kms:${action}`),
  );
}

/** The function cannot use the key by itself. */
function permitThrough(service: string, key: IKey, fn: LambdaFunction, actions: readonly string[]): void {
  const host = `${service}.${Stack.of(fn).region}.amazonaws.com`;
  // A key whose policy does not leave it to IAM; does nothing for an imported one.
  key.grant(new ViaServicePrincipal(host, fn.grantPrincipal), ...actions);
  fn.addToRolePolicy(
    new PolicyStatement({
      actions: [...actions],
      resources: [key.keyArn],
      conditions: { StringEquals: { 'kms:ViaService': host } },
    }),
  );
}

/**
 * Those that have no role, the key's policy must let in: CloudWatch Logs, and SNS, which hands failed invocations to the
 * queue of failures.
 */
export function permitServices(scope: Construct, key: IKey): void {
  const { partition, region, account } = Stack.of(scope);
  const added = key.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal(`logs.${region}.amazonaws.com`)],
      actions: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'],
      resources: ['*'],
      conditions: {
        ArnLike: { 'kms:EncryptionContext:aws:logs:arn': `arn:${partition}:logs:${region}:${account}:log-group:*` },
      },
    }),
  );
  key.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('sns.amazonaws.com')],
      actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
      resources: ['*'],
      conditions: { StringEquals: { 'aws:SourceAccount': account } },
    }),
  );
  if (!added.statementAdded) {
    const logs = `logs.${region}.amazonaws.com to encrypt and decrypt the log groups of this account`;
    warn(scope, 'encryptionKey', `${logs}, and sns.amazonaws.com to use it (kms:Decrypt, kms:GenerateDataKey*)`);
  }
}

/** Alarms have no role either. */
export function permitAlarms(scope: Construct, topic: ITopic): void {
  const { masterKey } = topic;
  if (masterKey === undefined) return;
  const added = masterKey.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
      resources: ['*'],
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
    }),
  );
  if (!added.statementAdded)
    warn(scope, 'alarmTopic', 'cloudwatch.amazonaws.com to use it (kms:Decrypt, kms:GenerateDataKey*)');
}

function warn(scope: Construct, prop: string, what: string): void {
  Annotations.of(scope).addWarningV2(
    `drover:key-policy:${prop}`,
    `The key of ${prop} is imported, so its policy cannot be changed here: it must allow ${what}`,
  );
}
