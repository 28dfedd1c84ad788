import { credentialsIn } from '../../aws-signature.ts';
import { SignedRequests, type SignedRequestsOptions } from './signed-requests.ts';
import type { TableOperation, TableOperations, TableRequests } from './table-requests.ts';

type Environment = Readonly<Record<string, string | undefined>>;

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
 * The lean way where the environment says all that it needs, as that of a Lambda function does; otherwise the SDK, which
 * finds credentials and endpoints everywhere and is only loaded then.
 */
export function requestsByEnvironment(environment: Environment): TableRequests {
  const options = leanOptions(environment);
  return options === null ? new SdkWhenAsked() : new SignedRequests(options);
}

/** Null: the SDK has to find out. */
export function leanOptions(environment: Environment): SignedRequestsOptions | null {
  const region = environment.AWS_REGION;
  const credentials = credentialsIn(environment);
  if (!region || credentials === null || forSdk.some((name) => environment[name])) return null;
  const endpoint = environment.AWS_ENDPOINT_URL_DYNAMODB || environment.AWS_ENDPOINT_URL || endpointOf(region);
  if (endpoint === null) return null;
  return { endpoint, region, credentials };
}

function endpointOf(region: string): string | null {
  if (!knownRegion.test(region)) return null;
  return `https://dynamodb.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}

class SdkWhenAsked implements TableRequests {
  #sdk: Promise<TableRequests> | null = null;

  async send<Operation extends TableOperation>(
    operation: Operation,
    input: TableOperations[Operation]['input'],
  ): Promise<TableOperations[Operation]['output']> {
    this.#sdk ??= import('./sdk-requests.ts').then(({ SdkRequests }) => new SdkRequests());
    return (await this.#sdk).send(operation, input);
  }

  destroy(): void {
    this.#sdk?.then(
      (sdk) => sdk.destroy(),
      () => {},
    );
  }
}
