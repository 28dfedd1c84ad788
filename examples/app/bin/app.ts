import { App } from 'aws-cdk-lib';
import { ConnectStack } from '../lib/connect-stack.ts';

const app = new App();
const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env;
new ConnectStack(app, 'Connect', account && region ? { env: { account, region } } : {});
