import type { Stack } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { expect, test, vi } from 'vitest';
import { type Drover, s3Sink } from '../../../cdk/index.ts';
import { plain, statementsOf, synthesise } from '../../cdk/synthesise.ts';

vi.setConfig({ testTimeout: 60_000 });

function attached(attach: (drover: Drover, stack: Stack) => void) {
  const { template } = synthesise(
    () => plain,
    (stack, drover) => attach(drover, stack),
  );
  const statements = statementsOf(template, 'TaskFunctionRole').filter(({ Action }) =>
    [Action].flat().some((action) => action.startsWith('s3:')),
  );
  return { template, statements };
}

test('a sink may write below its prefix, and sees nothing else of the bucket', () => {
  const { template, statements } = attached((drover, stack) =>
    s3Sink(drover, { bucket: new Bucket(stack, 'Lake'), prefix: 'topics/' }),
  );
  const objects = statements.find(({ Action }) => [Action].flat().includes('s3:PutObject'));
  expect([objects!.Action].flat().sort()).toEqual([
    's3:AbortMultipartUpload',
    's3:DeleteObject',
    's3:GetObject',
    's3:ListMultipartUploadParts',
    's3:PutObject',
    's3:PutObjectTagging',
  ]);
  expect(JSON.stringify(objects!.Resource)).toMatch(/"\/topics\/\*"/);
  const list = statements.find(({ Action }) => Action === 's3:ListBucket');
  expect(list!.Condition).toEqual({ StringLike: { 's3:prefix': ['topics/*'] } });
  expect(statements.some(({ Resource }) => Resource === '*')).toBe(false);
  template.hasResourceProperties('AWS::S3::Bucket', {
    LifecycleConfiguration: {
      Rules: Match.arrayWith([
        Match.objectLike({ Prefix: 'topics/', AbortIncompleteMultipartUpload: { DaysAfterInitiation: 10 } }),
        Match.objectLike({ Prefix: 'topics/_drover/', ExpirationInDays: 40 }),
      ]),
    },
  });
});

test('a bucket of another app gets no rules from here', () => {
  const imported = (stack: Stack) => Bucket.fromBucketName(stack, 'Lake', 'lake');
  const { statements } = attached((drover, stack) =>
    s3Sink(drover, { bucket: imported(stack), prefix: 'a/', statePrefix: 'b/' }),
  );
  expect(JSON.stringify(statements)).toMatch(/:s3:::lake\/a\/\*.*:s3:::lake\/b\/\*/);
  expect(() =>
    attached((drover, own) => s3Sink(drover, { bucket: imported(own), prefix: 'a/', lifecycleRules: true })),
  ).toThrow('cannot get lifecycleRules from here');
  expect(() => attached((drover, own) => s3Sink(drover, { bucket: imported(own), prefix: '/a' }))).toThrow(
    'prefix is "/a"',
  );
});

test('ACLs of files may be set where they are asked for, and only there', () => {
  type Props = Partial<Parameters<typeof s3Sink>[1]>;
  const mayPutAcls = (props: Props) =>
    attached((drover, stack) =>
      s3Sink(drover, { bucket: new Bucket(stack, 'Lake'), prefix: 'topics/', ...props }),
    ).statements.filter(({ Action }) => [Action].flat().includes('s3:PutObjectAcl'));
  const connector = (more: object): Props => ({
    connector: {
      connectorClass: 'io.confluent.connect.s3.S3SinkConnector',
      name: 'orders',
      config: {
        topics: 'orders',
        'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
        'flush.size': 1000,
        ...more,
      },
    },
  });
  expect(mayPutAcls({})).toEqual([]);
  expect(mayPutAcls(connector({}))).toEqual([]);
  for (const props of [{ cannedAcl: true }, connector({ 's3.acl.canned': 'bucket-owner-full-control' })]) {
    const [statement, ...rest] = mayPutAcls(props);
    expect(JSON.stringify(statement?.Resource)).toMatch(/"\/topics\/\*"/);
    expect(rest).toEqual([]);
  }
});
