import { Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Findings of cdk-nag (AwsSolutions) that are meant to be so, each with the reason. */
export function acknowledge(construct: IConstruct, rule: string, reason: string): void {
  Validations.of(construct).acknowledge({ id: rule, reason });
}

export function acknowledgeResource(construct: IConstruct, resource: string, reason: string): void {
  acknowledge(construct, `AwsSolutions-IAM5[Resource::${asReported(construct, resource)}]`, reason);
}

/** cdk-nag names what is known at deployment only by its intrinsic functions between the text: as JSON, attributes shorter. */
function asReported(construct: IConstruct, resource: string): string {
  const resolved: unknown = Stack.of(construct).resolve(resource);
  if (typeof resolved === 'string') return resolved;
  const join = (resolved as { readonly 'Fn::Join'?: readonly [string, readonly unknown[]] })['Fn::Join'];
  const parts = join?.[0] === '' ? join[1] : [resolved];
  return parts.map((part) => (typeof part === 'string' ? part : nameOf(part))).join('');
}

function nameOf(intrinsic: unknown): string {
  const attribute = (intrinsic as { readonly 'Fn::GetAtt'?: readonly string[] })['Fn::GetAtt'];
  return attribute === undefined ? JSON.stringify(intrinsic) : `<${attribute.join('.')}>`;
}
