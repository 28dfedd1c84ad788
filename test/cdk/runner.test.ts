import type { Template } from 'aws-cdk-lib/assertions';
import { type IVpc, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Architecture } from 'aws-cdk-lib/aws-lambda';
import { expect, test } from 'vitest';
import type { DroverProps } from '../../cdk/index.ts';
import { permissions, plain, synthesise } from './synthesise.ts';

const ofRunner = (more: Partial<DroverProps>, allows = false) =>
  synthesise(
    (stack) => ({ ...plain, vpc: new Vpc(stack, 'Vpc', { natGateways: 0 }) as IVpc, ...more }),
    (_stack, drover) => {
      if (allows) drover.allowFiles('/data');
    },
  );

test('without the prop nothing of it is there', () => {
  const { template, drover } = ofRunner({});
  expect(drover.runner).toBeUndefined();
  template.resourceCountIs('AWS::ECS::Service', 0);
  template.resourceCountIs('AWS::ECS::Cluster', 0);
  expect(JSON.stringify(template.toJSON())).not.toContain('DROVER_RUNNER');
  expect(JSON.stringify(template.toJSON())).not.toContain('ecs-tasks.amazonaws.com');
  expect(alarmsOf(template)).toEqual([]);
});

/** On the queue of runs. */
const alarmsOf = (template: Template) =>
  Object.values(template.findResources('AWS::CloudWatch::Alarm'))
    .map(({ Properties }) => Properties)
    .filter(({ Dimensions }) => JSON.stringify(Dimensions ?? '').includes('RunnerQueue'));

test('an alarm tells of runs that nobody takes, whoever keeps the runner up', () => {
  for (const host of ['fargate', 'own'] as const) {
    const { template, drover } = ofRunner({ runner: { host } });
    const [alarm, ...others] = alarmsOf(template);
    expect(others).toEqual([]);
    // As long as a message lives, so often is it sent: a queue that nobody reads is not empty for long.
    expect(alarm).toMatchObject({
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Statistic: 'Average',
      Threshold: 0.5,
      EvaluationPeriods: 2,
      TreatMissingData: 'notBreaching',
    });
    expect(alarm?.AlarmDescription).toMatch(/runner.full.*runner.count/);
    expect(drover.alarms.map(({ node }) => node.id)).toContain('RunnerAway');
  }
});

test('a service of containers with the role, the settings and the network of the task function, and a queue of runs', () => {
  const { template, drover } = ofRunner({ runner: { count: 2, tasks: 4, memorySize: 4096, cpu: 1024 } }, true);
  template.hasResourceProperties('AWS::ECS::Service', { DesiredCount: 2, LaunchType: 'FARGATE' });
  const definition = Object.values(template.findResources('AWS::ECS::TaskDefinition'))[0]!.Properties;
  expect(definition).toMatchObject({ Cpu: '1024', Memory: '4096', RuntimePlatform: { CpuArchitecture: 'ARM64' } });
  const role = definition.TaskRoleArn['Fn::GetAtt'][0];
  expect(role).toMatch(/TaskFunctionRole/);
  const assumes = template.findResources('AWS::IAM::Role')[role]!.Properties.AssumeRolePolicyDocument.Statement;
  expect(JSON.stringify(assumes)).toContain('ecs-tasks.amazonaws.com');
  expect(JSON.stringify(assumes)).toContain('lambda.amazonaws.com');
  const [container] = definition.ContainerDefinitions;
  expect(container).toMatchObject({ StopTimeout: 60, LinuxParameters: { InitProcessEnabled: true } });
  const variables = new Map<string, unknown>(
    container.Environment.map(({ Name, Value }: { Name: string; Value: unknown }) => [Name, Value]),
  );
  expect(variables.get('DROVER_RUNNER_TASKS_MAX')).toBe('4');
  expect(variables.get('DROVER_FILE_FOLDERS')).toBe('/data');
  expect(variables.get('DROVER_RUNNER_QUEUE')).toEqual({ Ref: expect.stringContaining('RunnerQueue') });
  // All that the task function knows, the runner does.
  const functions = Object.values(template.findResources('AWS::Lambda::Function')).map(({ Properties }) => Properties);
  const task = functions.find(({ Handler }) => Handler === 'dist/task.handler')!.Environment.Variables;
  for (const name of Object.keys(task)) expect([name, variables.get(name)]).toEqual([name, task[name]]);
  expect(permissions(template, 'TaskFunction').get('sqs:ReceiveMessage')).toEqual([
    expect.stringContaining('RunnerQueue'),
  ]);
  expect(permissions(template, 'CoordinatorFunction').get('sqs:SendMessage')).toContainEqual(
    expect.stringContaining('RunnerQueue'),
  );
  template.hasResourceProperties('AWS::SQS::Queue', { MessageRetentionPeriod: 60 });
  expect(drover.runner?.service).toBeDefined();
});

test('for x86 where the functions are', () => {
  const { template } = ofRunner({ runner: {}, architecture: Architecture.X86_64 });
  template.hasResourceProperties('AWS::ECS::TaskDefinition', { RuntimePlatform: { CpuArchitecture: 'X86_64' } });
});

test('a host of one’s own has the queue alone, and needs no VPC', () => {
  const { template, drover } = synthesise(() => ({ ...plain, runner: { host: 'own' } }));
  template.resourceCountIs('AWS::ECS::Service', 0);
  template.hasResourceProperties('AWS::SQS::Queue', { MessageRetentionPeriod: 60 });
  expect(drover.runner?.service).toBeUndefined();
});

test('what is wrong with it is told by its name', () => {
  expect(() => synthesise(() => ({ ...plain, runner: {} }))).toThrow('runner needs vpc');
  expect(() => ofRunner({ runner: { tasks: 0 } })).toThrow('runner.tasks is 0');
  expect(() => ofRunner({ runner: { memorySize: 1.5 } })).toThrow('runner.memorySize is 1.5');
});
