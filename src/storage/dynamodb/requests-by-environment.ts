import { type Environment, leanAccess } from '../../aws-requests/by-environment.ts';
import { SignedRequests } from './signed-requests.ts';
import type { TableOperation, TableOperations, TableRequests } from './table-requests.ts';

/**
 * The lean way where the environment says all that it needs, as that of a Lambda function does; otherwise the SDK, which
 * finds credentials and endpoints everywhere and is only loaded then.
 */
export function requestsByEnvironment(environment: Environment): TableRequests {
  const access = leanAccess(environment, 'dynamodb');
  return access === null ? new SdkWhenAsked() : new SignedRequests(access);
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
