import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { GatewayVpcEndpointAwsService, Vpc } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { Drover, DroverConnector } from 'drover/cdk';

export class ConnectStack extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props);
    // Where the brokers are: most often Vpc.fromLookup(…).
    const vpc = new Vpc(this, 'Vpc', { natGateways: 0 });
    vpc.addGatewayEndpoint('DynamoDb', { service: GatewayVpcEndpointAwsService.DYNAMODB });

    const drover = new Drover(this, 'Connect', {
      bootstrapServers: ['b-1.orders.example:9098'],
      // Of the MSK cluster; or scram, mtls, plaintext.
      security: { type: 'iam', clusterArn: 'arn:aws:kafka:eu-west-1:111122223333:cluster/orders/0a1b2c3d-1' },
      vpc,
      tableName: 'drover', // so that a renamed construct cannot start with an empty table
      plugins: './lib/plugins.ts', // your own connectors, transformations and converters; from the app's folder
    });
    // A connector, created, changed and deleted with the stack.
    new DroverConnector(this, 'Countdown', {
      drover,
      name: 'countdown',
      config: {
        'connector.class': 'com.example.CountdownConnector',
        topic: 'countdown',
        from: 10,
        'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
      },
    });
    new CfnOutput(this, 'RestUrl', { value: drover.api.apiEndpoint });
  }
}
