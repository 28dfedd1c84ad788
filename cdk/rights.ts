import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { IParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import type { EnvironmentSettings } from '../src/config/environment-config.ts';
import { clusterPk } from '../src/storage/dynamodb/table.ts';
import { acknowledge } from './acknowledged.ts';
import { permitSecret, permitTableKey } from './keys.ts';
import { permitMirrorOnMsk, permitTasksOnMsk } from './msk.ts';
import type { KafkaSecurity } from './props.ts';
import { settingOf } from './settings.ts';
import { indexNames } from './table.ts';

/* What each function may do. */

const readActions = ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query'];
const writeActions = [
  'dynamodb:PutItem',
  'dynamodb:UpdateItem',
  'dynamodb:DeleteItem',
  'dynamodb:BatchWriteItem',
  'dynamodb:ConditionCheckItem',
];

const withIndexes = ({ tableArn }: ITable) => [tableArn, ...indexNames.map((name) => `${tableArn}/index/${name}`)];

/** To read and write what the installation keeps. */
export function permitTable(fn: LambdaFunction, table: ITable): void {
  fn.addToRolePolicy(
    new PolicyStatement({ actions: [...readActions, ...writeActions], resources: withIndexes(table) }),
  );
  permitTableKey(table, fn);
}

/** What runs connectors: the table, Kafka, and what configs may refer to. */
export interface WorkerRights {
  readonly table: ITable;
  readonly security: KafkaSecurity;
  readonly settings: EnvironmentSettings;
  readonly secrets: readonly ISecret[];
  readonly parameters: readonly IParameter[];
}

export function permitWorker(fn: LambdaFunction, rights: WorkerRights): void {
  const { table, security, settings, secrets, parameters } = rights;
  permitTable(fn, table);
  for (const secret of secrets) permitSecret(secret, fn);
  for (const parameter of parameters) parameter.grantRead(fn);
  if (security.type === 'scram' || security.type === 'mtls') permitSecret(security.secret, fn);
  if (security.type === 'iam') permitTasksOnMsk(fn, security.clusterArn, settingOf(settings, 'group.id'));
}

/** Projects what the stream brings; reads what the stream does not tell, and writes the id of the Kafka cluster. */
export function permitMirror(
  mirror: LambdaFunction,
  { table, security, settings }: Pick<WorkerRights, 'table' | 'security' | 'settings'>,
): void {
  mirror.addToRolePolicy(new PolicyStatement({ actions: readActions, resources: withIndexes(table) }));
  mirror.addToRolePolicy(
    new PolicyStatement({
      actions: ['dynamodb:UpdateItem', 'dynamodb:PutItem'],
      resources: [table.tableArn],
      conditions: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [clusterPk] } },
    }),
  );
  permitTableKey(table, mirror);
  if (security.type === 'scram' || security.type === 'mtls') permitSecret(security.secret, mirror);
  if (security.type === 'iam') {
    permitMirrorOnMsk(mirror, security.clusterArn, [
      settingOf(settings, 'config.storage.topic'),
      settingOf(settings, 'offset.storage.topic'),
      settingOf(settings, 'status.storage.topic'),
    ]);
  }
}

/** A policy of its own: the coordinator must not wait for one that names the coordinator itself. */
export function permitDispatch(
  scope: Construct,
  coordinator: LambdaFunction,
  taskFunctions: readonly LambdaFunction[],
): void {
  new Policy(scope, 'DispatchPolicy', {
    roles: [coordinator.role!],
    statements: [
      new PolicyStatement({
        actions: ['lambda:InvokeFunction'],
        resources: [...taskFunctions, coordinator].map(({ functionArn }) => functionArn),
      }),
    ],
  });
}

/** To send to an encrypted queue needs a key's actions by pattern, which cdk-nag would ask about. */
export function acknowledgeFailuresKey(failures: Queue, functions: readonly LambdaFunction[]): void {
  if (failures.encryptionMasterKey === undefined) return;
  for (const fn of functions) {
    for (const action of ['kms:ReEncrypt*', 'kms:GenerateDataKey*']) {
      acknowledge(
        fn.role!,
        `AwsSolutions-IAM5[Action::${action}]`,
        'What sending to an encrypted queue needs, on its key',
      );
    }
  }
}
