import { Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Findings of cdk-nag (AwsSolutions) that are meant to be so, each with the reason. */
export function acknowledge(construct: IConstruct, rule: string, reason: string): void {
  Validations.of(construct).acknowledge({ id: rule, reason });
}

export function acknowledgeResource(construct: IConstruct, resource: string, reason: string): void {
  acknowledge(construct, `AwsSolutions-IAM5[Resource::${asReported(construct, resource)}]`, reason);
}

/** cdk-nag names what is known at deployment only by its intrinsic functions, as JSON between the text. */
function asReported(construct: IConstruct, resource: string): string {
  const resolved: unknown = Stack.of(construct).resolve(resource);
  if (typeof resolved === 'string') return resolved;
  const join = (resolved as { readonly 'Fn::Join'?: readonly [string, readonly unknown[]] })['Fn::Join'];
  const parts = join?.[0] === '' ? join[1] : [resolved];
  return parts.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join('');
}
