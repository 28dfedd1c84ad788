import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type IVpc, Vpc } from 'aws-cdk-lib/aws-ec2';
import { afterAll, expect, test } from 'vitest';
import { webhooks } from '../../cdk/index.ts';
import { apiOf } from '../../cli/installation.ts';
import { functionRoles, readResources } from '../../cli/stack-resources.ts';
import { plain, synthesise } from '../cdk/synthesise.ts';

const folder = mkdtempSync(join(tmpdir(), 'drover-stack-resources-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
function folderWith(file: string): string {
  mkdirSync(join(folder, file, '..'), { recursive: true });
  writeFileSync(join(folder, file), 'jar');
  return join(folder, file.split('/')[0]!);
}
const java = {
  plugins: [folderWith('plugins/example/example.jar')],
  runtime: folderWith('jre/bin/java'),
  host: folderWith('host/drover-host.jar'),
};

/** As CloudFormation lists what the template makes; what a resource is called stands for itself. */
function resourcesOf(id: string) {
  const { template } = synthesise(
    (stack) => ({ ...plain, vpc: new Vpc(stack, 'Vpc', { natGateways: 0 }) as IVpc, java, runner: {} }),
    (_stack, drover) => void webhooks(drover),
    id,
  );
  const resources = (template.toJSON() as { Resources: Record<string, { Type: string }> }).Resources;
  return Object.entries(resources).map(([LogicalResourceId, { Type }]) => ({
    LogicalResourceId,
    ResourceType: Type,
    PhysicalResourceId: `physical-${LogicalResourceId}`,
  }));
}

test.each(['Connect', 'Orders'])('what the construct makes is found by its ids, whatever it is called: %s', (id) => {
  const { functions, runnerLog, apis, failureQueues, alarms } = readResources(resourcesOf(id));
  for (const role of functionRoles) {
    const called = role === 'java-task' ? 'Java' : `${role[0]!.toUpperCase()}${role.slice(1)}`;
    expect(functions[role]).toMatch(new RegExp(`^physical-${id}${called}Function`));
  }
  expect(runnerLog).toEqual({ group: expect.stringMatching(new RegExp(`^physical-${id}RunnerLog`)) });
  expect(apis).toEqual([expect.stringMatching(new RegExp(`^physical-${id}RestApi`))]);
  expect(failureQueues).toContainEqual(expect.stringMatching(new RegExp(`^physical-${id}Failures`)));
  expect(alarms.length).toBeGreaterThan(6);
});

test.each([
  ['https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/', { id: 'a1b2c3d4e5', region: 'eu-west-1' }],
  ['https://a1b2c3d4e5.execute-api.cn-north-1.amazonaws.com.cn/prod', { id: 'a1b2c3d4e5', region: 'cn-north-1' }],
  ['https://connect.example.com/', null],
  ['https://execute-api.eu-west-1.amazonaws.com.evil.example/', null],
])('an address of API Gateway says its region: %s', (url, api) => {
  expect(apiOf(new URL(url))).toEqual(api);
});
