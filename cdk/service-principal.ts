import { Stack } from 'aws-cdk-lib';
import { type IPrincipal, PrincipalWithConditions, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

/** A service that acts for this account: it cannot be talked into the role by a resource of another one. */
export function servicePrincipal(scope: Construct, service: string): IPrincipal {
  return new PrincipalWithConditions(new ServicePrincipal(service), {
    StringEquals: { 'aws:SourceAccount': Stack.of(scope).account },
  });
}
