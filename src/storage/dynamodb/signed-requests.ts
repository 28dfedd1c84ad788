import { randomUUID } from 'node:crypto';
import { type AwsAccess, SignedHttp } from '../../aws-requests/signed-http.ts';
import {
  maxAttempts,
  type TableOperation,
  type TableOperations,
  type TableRequests,
  timeouts,
} from './table-requests.ts';

export interface SignedRequestsOptions extends AwsAccess {
  /** @default 50 */
  readonly maxSockets?: number;
  /** Of one request, the first among them; default: `maxAttempts`. */
  readonly attempts?: number;
  /** Of silence; default: `timeouts.requestTimeout`. */
  readonly requestTimeoutMs?: number;
  readonly now?: () => number;
}

/** Failures that say how things are. */
const answers: ReadonlySet<string> = new Set(['ConditionalCheckFailedException', 'TransactionCanceledException']);

/**
 * DynamoDB over plain HTTP: a run's requests are few and alike, and what the SDK does for any request of any service was
 * half of a small run's CPU. Values cross as they are, since those of tables are JSON already.
 */
export class SignedRequests implements TableRequests {
  readonly #http: SignedHttp;

  constructor(options: SignedRequestsOptions) {
    this.#http = new SignedHttp({
      attempts: maxAttempts,
      requestTimeoutMs: timeouts.requestTimeout,
      ...options,
      service: 'dynamodb',
      connectionTimeoutMs: timeouts.connectionTimeout,
      answers,
    });
  }

  async send<Operation extends TableOperation>(
    operation: Operation,
    input: TableOperations[Operation]['input'],
  ): Promise<TableOperations[Operation]['output']> {
    // By it DynamoDB knows a transaction that it has done already, when the request comes once more.
    const token = operation === 'TransactWriteItems' ? { ClientRequestToken: randomUUID() } : {};
    const headers = {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `DynamoDB_20120810.${operation}`,
    };
    const text = await this.#http.send({ headers, body: JSON.stringify({ ...token, ...input }) });
    return JSON.parse(text) as TableOperations[Operation]['output'];
  }

  destroy(): void {
    this.#http.destroy();
  }
}
