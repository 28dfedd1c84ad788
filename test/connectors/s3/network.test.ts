import type { Stack } from 'aws-cdk-lib';
import { GatewayVpcEndpointAwsService, type IVpc, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { expect, test, vi } from 'vitest';
import { s3Sink, s3Source } from '../../../cdk/index.ts';
import { openS3 } from '../../../connectors/s3/s3-client.ts';
import { plain, synthesise } from '../../cdk/synthesise.ts';

vi.setConfig({ testTimeout: 60_000 });

test.each(['us-east-1', 'eu-central-1'])(
  'of %s nothing is asked but the region’s own S3, which a gateway endpoint leads to',
  async (region) => {
    const { client, sdk } = await openS3({ region, endpoint: null, pathStyle: null, credentials: null, role: null });
    const hosts: string[] = [];
    const here = { accessKeyId: 'id', secretAccessKey: 'secret' };
    client.config.credentials = async () => here;
    client.config.requestHandler.handle = async (request) => {
      hosts.push(request.hostname);
      throw Object.assign(new Error('seen'), { $metadata: { httpStatusCode: 400 } });
    };
    for (const command of [
      new sdk.GetObjectCommand({ Bucket: 'lake', Key: 'a' }),
      new sdk.ListObjectsV2Command({ Bucket: 'lake' }),
    ]) {
      await expect(client.send(command as never)).rejects.toThrow('seen');
    }
    client.destroy();
    expect(new Set(hosts)).toEqual(new Set([`lake.s3.${region}.amazonaws.com`]));
  },
);

test('in subnets without a way out, source and sink need no endpoint that costs anything', () => {
  const withBoth = (stack: Stack) => {
    const vpc = new Vpc(stack, 'Vpc', {
      natGateways: 0,
      subnetConfiguration: [{ name: 'inside', subnetType: SubnetType.PRIVATE_ISOLATED }],
    });
    vpc.addGatewayEndpoint('S3', { service: GatewayVpcEndpointAwsService.S3 });
    vpc.addGatewayEndpoint('DynamoDb', { service: GatewayVpcEndpointAwsService.DYNAMODB });
    return { ...plain, vpc: vpc as IVpc };
  };
  const { template } = synthesise(withBoth, (stack, drover) => {
    const bucket = new Bucket(stack, 'Lake');
    s3Source(drover, { bucket, prefix: 'in/', wakes: ['orders-in'] });
    s3Sink(drover, { bucket, prefix: 'topics/' });
  });
  const endpoints = Object.values(template.findResources('AWS::EC2::VPCEndpoint'));
  expect(endpoints.map(({ Properties }) => Properties.VpcEndpointType)).toEqual(['Gateway', 'Gateway']);
  template.resourceCountIs('AWS::EC2::NatGateway', 0);
});
