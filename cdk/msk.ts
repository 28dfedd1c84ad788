import { Fn } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { acknowledgeResource } from './acknowledged.ts';

/** What MSK's IAM access control lets the task function do: connectors name their topics and groups when they are made. */
export function permitTasksOnMsk(task: LambdaFunction, clusterArn: string, groupId: string): void {
  const every = (kind: string, prefix = '') => {
    const resource = `${resourceOf(clusterArn, kind)}/${prefix}*`;
    acknowledgeResource(task.role!, resource, 'Connectors name their topics and groups when they are created');
    return resource;
  };
  permit(task, connect, clusterArn);
  permit(task, [...useTopic, 'ReadData'], every('topic'));
  permit(task, ['DescribeGroup', 'AlterGroup', 'DeleteGroup'], every('group'));
  // Java's ids: group.id, connector, task.
  permit(task, ['DescribeTransactionalId', 'AlterTransactionalId'], every('transactional-id', `${groupId}-`));
}

/** The mirror creates its three topics, checks how they are kept, and writes to them: no group, no transaction. */
export function permitMirrorOnMsk(mirror: LambdaFunction, clusterArn: string, topics: readonly string[]): void {
  permit(mirror, connect, clusterArn);
  for (const topic of topics) permit(mirror, useTopic, `${resourceOf(clusterArn, 'topic')}/${topic}`);
}

const connect = ['Connect', 'DescribeCluster', 'WriteDataIdempotently'];
const useTopic = ['CreateTopic', 'DescribeTopic', 'DescribeTopicDynamicConfiguration', 'WriteData'];

/** `arn:…:cluster/NAME/UUID` → `arn:…:KIND/NAME/UUID`. */
function resourceOf(clusterArn: string, kind: string): string {
  const halves = Fn.split(':cluster/', clusterArn, 2);
  return `${Fn.select(0, halves)}:${kind}/${Fn.select(1, halves)}`;
}

function permit(fn: LambdaFunction, actions: readonly string[], resource: string): void {
  fn.addToRolePolicy(
    new PolicyStatement({ actions: actions.map((action) => `kafka-cluster:${action}`), resources: [resource] }),
  );
}
