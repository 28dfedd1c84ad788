import { credentialsIn } from '../aws-signature.ts';
import type { AwsAccess } from './signed-http.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Regions of the partitions `aws`, `aws-us-gov` and `aws-cn`, whose endpoints are alike. */
const knownRegion = /^(?:us|us-gov|eu|ap|sa|ca|me|af|il|mx|cn)-[a-z]+-\d+$/;

/** What asks for another endpoint or for other credentials than those that stand beside it. */
const forSdk = [
  'AWS_USE_FIPS_ENDPOINT',
  'AWS_USE_DUALSTACK_ENDPOINT',
  'AWS_PROFILE',
  'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
];

/**
 * What a service is asked with where the environment says all of it, as that of a Lambda function does. Null: the SDK has to
 * find out, which finds credentials and endpoints everywhere. `service`: as endpoints name it.
 */
export function leanAccess(environment: Environment, service: 'dynamodb' | 'lambda'): AwsAccess | null {
  const region = environment.AWS_REGION;
  const credentials = credentialsIn(environment);
  if (!region || credentials === null || forSdk.some((name) => environment[name])) return null;
  const own = environment[`AWS_ENDPOINT_URL_${service.toUpperCase()}`];
  const endpoint = own || environment.AWS_ENDPOINT_URL || endpointOf(service, region);
  return endpoint === null ? null : { endpoint, region, credentials };
}

function endpointOf(service: string, region: string): string | null {
  if (!knownRegion.test(region)) return null;
  return `https://${service}.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}
