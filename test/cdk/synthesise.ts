import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { expect } from 'vitest';
import { Drover, type DroverProps } from '../../cdk/index.ts';

export const clusterArn = 'arn:aws:kafka:eu-west-1:111122223333:cluster/orders/0a1b2c3d-1';
export const env = { account: '111122223333', region: 'eu-west-1' };
export const plain: DroverProps = { bootstrapServers: ['b-1:9092'], security: { type: 'plaintext' } };

/** As `cdk ls` runs an app: templates need no bundles. */
export const withoutBundles = { context: { 'aws:cdk:bundling-stacks': [] } };

export function secretArn(name: string): string {
  return `arn:aws:secretsmanager:eu-west-1:111122223333:secret:${name}-AbCdEf`;
}

export function synthesise(
  props: (stack: Stack) => DroverProps,
  more: (stack: Stack, drover: Drover) => void = () => {},
  id = 'Drover',
): { template: Template; stack: Stack; drover: Drover } {
  const stack = new Stack(new App(withoutBundles), 'Test', { env });
  const drover = new Drover(stack, id, props(stack));
  more(stack, drover);
  return { template: Template.fromStack(stack), stack, drover };
}

export interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

/** What the policies of a function's role say. */
export function statementsOf(template: Template, roleId: string): Statement[] {
  const roles = template.findResources('AWS::IAM::Role');
  const role = Object.keys(roles).find((id) => id.startsWith(`Drover${roleId}`));
  if (role === undefined) throw new Error(`No role ${roleId}`);
  const inline: { PolicyDocument: { Statement: Statement[] } }[] = roles[role]?.Properties?.Policies ?? [];
  const attached = Object.values(template.findResources('AWS::IAM::Policy')).filter((policy) =>
    policy.Properties.Roles.some((one: { Ref?: string }) => one.Ref === role),
  );
  return [
    ...inline.flatMap((policy) => policy.PolicyDocument.Statement),
    ...attached.flatMap((policy) => policy.Properties.PolicyDocument.Statement as Statement[]),
  ];
}

/** What a function's role may do: action → resources, logical ids shortened to the part we chose. */
export function permissions(template: Template, roleId: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const statement of statementsOf(template, roleId)) {
    expect(statement.Effect).toBe('Allow');
    for (const action of [statement.Action].flat()) {
      const resources = [statement.Resource].flat().map(shorten);
      found.set(action, [...new Set([...(found.get(action) ?? []), ...resources])].sort());
    }
  }
  return found;
}

function shorten(resource: unknown): string {
  if (typeof resource === 'string') return resource;
  const text = JSON.stringify(resource);
  return text.replace(/Drover([A-Za-z]+?)[0-9A-F]{8}/g, '$1');
}
