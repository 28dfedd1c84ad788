import { App, Stack } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, test, vi } from 'vitest';
import { Drover, type S3SourceProps, s3Source } from '../../../cdk/index.ts';
import { env, plain, statementsOf, synthesise, withoutBundles } from '../../cdk/synthesise.ts';

vi.setConfig({ testTimeout: 60_000 });

/** What the task function may do on the bucket, as `action on resource`. */
function attached(props: Omit<S3SourceProps, 'bucket'>) {
  const { template } = synthesise(
    () => plain,
    (stack, drover) => s3Source(drover, { bucket: new Bucket(stack, 'Orders'), ...props }),
  );
  const statements = statementsOf(template, 'TaskFunctionRole').filter(({ Action }) =>
    [Action].flat().some((action) => action.startsWith('s3:')),
  );
  const resourceOf = (resource: unknown) =>
    JSON.stringify(resource).replace(/\{"Fn::GetAtt":\["Orders\w+","Arn"\]\}/g, 'Orders');
  const permitted = statements.flatMap(({ Action, Resource, Condition }) =>
    [Action].flat().map((action) => [action, resourceOf(Resource), Condition ?? null]),
  );
  return { template, permitted };
}

const under = (prefix: string) => `{"Fn::Join":["",[Orders,"/${prefix}*"]]}`;

test('a source may read and list its prefix alone', () => {
  const { template, permitted } = attached({ prefix: 'in/' });
  expect(permitted).toEqual([
    ['s3:GetObject', under('in/'), null],
    ['s3:GetObjectVersion', under('in/'), null],
    ['s3:ListBucket', 'Orders', { StringLike: { 's3:prefix': 'in/*' } }],
    ['s3:ListBucketMultipartUploads', 'Orders', null],
  ]);
  template.resourceCountIs('Custom::S3BucketNotifications', 0);
});

test('what is read may be deleted, or moved, where that is asked for', () => {
  const actions = (props: Omit<S3SourceProps, 'bucket'>) =>
    attached(props).permitted.filter(([action]) => /Delete|Put/.test(String(action)));
  expect(actions({ prefix: 'in/', finished: 'delete' })).toEqual([['s3:DeleteObject', under('in/'), null]]);
  expect(actions({ prefix: 'in/', finished: { movedTo: 'done/' } })).toEqual([
    ['s3:DeleteObject', under('in/'), null],
    ['s3:PutObject', under('done/'), null],
  ]);
});

test('new objects under the prefix wake the connectors', () => {
  const { template } = attached({ prefix: 'in/', wakes: ['orders-in'] });
  template.hasResourceProperties('AWS::Events::Rule', {
    EventPattern: { detail: { object: { key: [{ prefix: 'in/' }] } } },
  });
  template.hasResourceProperties('Custom::S3BucketNotifications', {
    NotificationConfiguration: { EventBridgeConfiguration: {} },
  });
});

test('the key of an encrypted bucket may be used to read, and to write only where objects are moved', () => {
  const kms = (props: Omit<S3SourceProps, 'bucket'>) => {
    const { template } = synthesise(
      () => plain,
      (stack, drover) => {
        const encryptionKey = new Key(stack, 'Key', { enableKeyRotation: true });
        const bucket = new Bucket(stack, 'Orders', { encryption: BucketEncryption.KMS, encryptionKey });
        s3Source(drover, { bucket, ...props });
      },
    );
    const actions = statementsOf(template, 'TaskFunctionRole').flatMap(({ Action }) => Action);
    return actions.filter((action) => action.startsWith('kms:')).sort();
  };
  expect(kms({})).toEqual(['kms:Decrypt']);
  expect(kms({ finished: { movedTo: 'done/' } })).toEqual([
    'kms:Decrypt',
    'kms:Encrypt',
    'kms:GenerateDataKey*',
    'kms:ReEncrypt*',
  ]);
});

test('cdk-nag finds nothing in a source', () => {
  const stack = new Stack(new App(withoutBundles), 'Nag', { env });
  const drover = new Drover(stack, 'Drover', plain);
  const bucket = new Bucket(stack, 'Orders');
  s3Source(drover, { bucket, prefix: 'in/', wakes: ['orders-in'], finished: { movedTo: 'done/' } });
  const { violations } = new AwsSolutionsChecks().validateScope(drover);
  const found = violations.map(({ ruleName, violatingResources }) => [
    ruleName,
    violatingResources.map(({ resourceLogicalId }) => resourceLogicalId),
  ]);
  expect(found).toEqual([]);
});
