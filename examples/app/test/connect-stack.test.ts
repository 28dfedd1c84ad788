import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { ConnectStack } from '../lib/connect-stack.ts';
import plugins from '../lib/plugins.ts';

test('the stack has its functions and the connector, and the table has the name that keeps it', () => {
  // Nothing is bundled here: cdk synth does that.
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
  const template = Template.fromStack(new ConnectStack(app, 'Test'));
  template.resourceCountIs('AWS::Lambda::Function', 5); // the fifth makes connectors of the stack
  template.hasResourceProperties('Custom::DroverConnector', { Name: 'countdown', Config: { from: '10' } });
  template.hasResourceProperties('AWS::DynamoDB::Table', { TableName: 'drover' });
});

test('the countdown goes on where its last run ended, and ends at zero', async () => {
  const [countdown] = plugins;
  assert.ok(countdown);
  const connector = await countdown.create();
  const task = connector.createTask();
  const context = { offsetStorageReader: { offset: async () => ({ left: 2 }) } };
  await task.start({ topic: 'numbers' }, context as unknown as Parameters<typeof task.start>[1]);
  const values = async () => (await task.poll())?.map(({ value }) => value);
  assert.deepEqual(await values(), ['1']);
  assert.deepEqual(await values(), ['0']);
  assert.equal(await task.poll(), null);
});
