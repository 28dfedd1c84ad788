import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { type ITable, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { describe, expect, test, vi } from 'vitest';
import { addDroverIndexes, Drover, type DroverProps, droverTableProps } from '../../cdk/index.ts';
import { env, plain, type Statement, secretArn, statementsOf, synthesise, withoutBundles } from './synthesise.ts';

vi.setConfig({ testTimeout: 30_000 });

const keyArn = 'arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9';
const imported = (stack: Stack, id = 'Key') => Key.fromKeyArn(stack, id, keyArn);
const roles = ['RestFunctionRole', 'CoordinatorFunctionRole', 'TaskFunctionRole', 'MirrorFunctionRole'];

/** What a role may do with keys, by the service it must go through. */
function keyRights(statements: readonly Statement[]): Record<string, { actions: string[]; resource: unknown }[]> {
  const rights: Record<string, { actions: string[]; resource: unknown }[]> = {};
  for (const { Action, Resource, Condition } of statements) {
    const actions = [Action].flat().filter((action) => action.startsWith('kms:'));
    if (actions.length === 0) continue;
    const via = (Condition as { StringEquals?: Record<string, string> } | undefined)?.StringEquals?.['kms:ViaService'];
    const service = via === undefined ? 'directly' : via.split('.')[0]!;
    rights[service] = [...(rights[service] ?? []), { actions, resource: Resource }];
  }
  return rights;
}

const decrypts = [{ actions: ['kms:Decrypt'], resource: keyArn }];

describe.each<[string, (stack: Stack) => Secret['encryptionKey'], boolean]>([
  ['imported by ARN', (stack) => imported(stack), true],
  ['of the app', (stack) => new Key(stack, 'Key') as IKey, false],
])('a secret under a customer-managed key %s', (_what, keyOf, isImported) => {
  const { template, stack } = synthesise((stack) => {
    const encryptionKey = keyOf(stack)!;
    return {
      ...plain,
      security: {
        type: 'scram',
        secret: Secret.fromSecretAttributes(stack, 'Secret', {
          secretCompleteArn: secretArn('AmazonMSK_orders'),
          encryptionKey,
        }),
      },
    };
  });
  const resource = isImported ? keyArn : stack.resolve((stack.node.findChild('Key') as Key).keyArn);

  test.each(['TaskFunctionRole', 'MirrorFunctionRole'])(
    'may be decrypted by the %s, through Secrets Manager',
    (role) => {
      expect(keyRights(statementsOf(template, role))).toEqual({
        secretsmanager: [{ actions: ['kms:Decrypt'], resource }],
      });
    },
  );

  test.each(['RestFunctionRole', 'CoordinatorFunctionRole'])('is nothing to the %s', (role) => {
    expect(keyRights(statementsOf(template, role))).toEqual({});
  });
});

test('a secret for connectors under a customer-managed key may be decrypted by the task function alone', () => {
  const { template } = synthesise((stack) => ({
    ...plain,
    connectorSecrets: [
      Secret.fromSecretAttributes(stack, 'S', { secretCompleteArn: secretArn('db'), encryptionKey: imported(stack) }),
    ],
  }));
  const rights = roles.map((role) => keyRights(statementsOf(template, role)));
  expect(rights).toEqual([{}, {}, { secretsmanager: decrypts }, {}]);
});

test('a secret and a key that the app makes itself', () => {
  const { template, stack } = synthesise((stack) => ({
    ...plain,
    security: { type: 'mtls', secret: new Secret(stack, 'S', { encryptionKey: new Key(stack, 'Key') }) as ISecret },
  }));
  const resource = stack.resolve((stack.node.findChild('Key') as Key).keyArn);
  for (const role of ['TaskFunctionRole', 'MirrorFunctionRole']) {
    expect(keyRights(statementsOf(template, role))).toEqual({
      secretsmanager: [{ actions: ['kms:Decrypt'], resource }],
    });
  }
});

const usesTable = ['Decrypt', 'DescribeKey', 'Encrypt', 'GenerateDataKey', 'ReEncryptFrom', 'ReEncryptTo'];

describe.each<[string, (stack: Stack) => DroverProps]>([
  ['a table of the app', (stack) => ({ ...plain, table: ownTable(stack) })],
  ['an imported table', (stack) => ({ ...plain, table: importedTable(stack) })],
  ['the table that is created', (stack) => ({ ...plain, encryptionKey: imported(stack) })],
])('the key of %s', (_what, props) => {
  const { template } = synthesise(props);

  test.each(roles)('may be used by the %s, through DynamoDB', (role) => {
    const rights = keyRights(statementsOf(template, role)).dynamodb;
    expect(rights).toEqual([{ actions: usesTable.map((name) => `kms:${name}`), resource: keyArn }]);
  });

  test.each(['CoordinatorFunctionRole', 'MirrorFunctionRole'])('lets Lambda read the stream for the %s', (role) => {
    const rights = keyRights(statementsOf(template, role)).directly ?? [];
    expect(rights.flatMap(({ actions }) => actions)).toContain('kms:Decrypt');
  });
});

function ownTable(stack: Stack): ITable {
  const encryption = { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey: imported(stack) };
  const table = new Table(stack, 'Own', { ...droverTableProps, ...encryption });
  addDroverIndexes(table);
  return table as ITable;
}

function importedTable(stack: Stack) {
  const tableArn = 'arn:aws:dynamodb:eu-west-1:111122223333:table/own';
  const tableStreamArn = `${tableArn}/stream/2026-01-01T00:00:00.000`;
  return Table.fromTableAttributes(stack, 'Own', { tableArn, tableStreamArn, encryptionKey: imported(stack) });
}

describe('a key for all that is stored', () => {
  const { template, stack } = synthesise((stack) => ({ ...plain, encryptionKey: new Key(stack, 'Key') as IKey }));
  const key = stack.resolve((stack.node.findChild('Key') as Key).keyArn);

  test('encrypts the table, the queue of failures and every log group', () => {
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      SSESpecification: { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: key },
    });
    template.hasResourceProperties('AWS::SQS::Queue', { KmsMasterKeyId: key });
    template.allResourcesProperties('AWS::Logs::LogGroup', { KmsKeyId: key });
  });

  test('lets CloudWatch Logs in, for the log groups of this account', () => {
    template.hasResourceProperties('AWS::KMS::Key', {
      KeyPolicy: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Principal: { Service: 'logs.eu-west-1.amazonaws.com' },
            Condition: {
              ArnLike: {
                'kms:EncryptionContext:aws:logs:arn': {
                  'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':logs:eu-west-1:111122223333:log-group:*']],
                },
              },
            },
          }),
        ]),
      },
    });
  });

  test('lets who reports failures encrypt messages', () => {
    for (const role of ['CoordinatorFunctionRole', 'MirrorFunctionRole']) {
      const actions = (keyRights(statementsOf(template, role)).directly ?? []).flatMap((right) => right.actions);
      expect(actions).toContain('kms:GenerateDataKey*');
    }
  });
});

test('the key of the topic for alarms lets alarms in', () => {
  const { template } = synthesise((stack) => ({
    ...plain,
    alarmTopic: new Topic(stack, 'Alarms', { masterKey: new Key(stack, 'Key') }),
  }));
  template.hasResourceProperties('AWS::KMS::Key', {
    KeyPolicy: {
      Statement: Match.arrayWith([
        Match.objectLike({
          Action: ['kms:Decrypt', 'kms:GenerateDataKey*'],
          Principal: { Service: 'cloudwatch.amazonaws.com' },
          Condition: { StringEquals: { 'aws:SourceAccount': '111122223333' } },
        }),
      ]),
    },
  });
});

test.each<[string, (stack: Stack) => Partial<DroverProps>, RegExp]>([
  [
    'encryptionKey',
    (stack) => ({ encryptionKey: imported(stack) }),
    /key of encryptionKey is imported.*logs\.eu-west-1.*sns\.amazonaws\.com/,
  ],
  [
    'alarmTopic',
    (stack) => ({ alarmTopic: new Topic(stack, 'T', { masterKey: imported(stack) }) }),
    /key of alarmTopic is imported.*cloudwatch\.amazonaws\.com/,
  ],
])("the policy of an imported key is the app's to change, and it is told: %s", (_what, props, message) => {
  const stack = new Stack(new App(withoutBundles), 'Test', { env });
  new Drover(stack, 'Drover', { ...plain, ...props(stack) });
  const warnings = Annotations.fromStack(stack).findWarning('*', Match.anyValue());
  expect(warnings.map(({ entry }) => String(entry.data))).toEqual([expect.stringMatching(message)]);
});
