import type {
  BatchGetItemInput,
  BatchGetItemOutput,
  BatchWriteItemInput,
  BatchWriteItemOutput,
  GetItemInput,
  GetItemOutput,
  QueryInput,
  QueryOutput,
  TransactWriteItemsInput,
  TransactWriteItemsOutput,
  UpdateItemInput,
  UpdateItemOutput,
} from '@aws-sdk/client-dynamodb';
import type { Attributes } from './attributes.ts';

/** What is asked of a table, and what it answers; shapes and names are DynamoDB's. */
export interface TableOperations {
  readonly BatchGetItem: { readonly input: BatchGetItemInput; readonly output: BatchGetItemOutput };
  readonly BatchWriteItem: { readonly input: BatchWriteItemInput; readonly output: BatchWriteItemOutput };
  readonly GetItem: { readonly input: GetItemInput; readonly output: GetItemOutput };
  readonly Query: { readonly input: QueryInput; readonly output: QueryOutput };
  readonly TransactWriteItems: { readonly input: TransactWriteItemsInput; readonly output: TransactWriteItemsOutput };
  readonly UpdateItem: { readonly input: UpdateItemInput; readonly output: UpdateItemOutput };
}

export type TableOperation = keyof TableOperations;

/**
 * The way to DynamoDB. What can be tried again has been, when it rejects; with a RequestFailure, or with whatever the
 * network says.
 */
export interface TableRequests {
  send<Operation extends TableOperation>(
    operation: Operation,
    input: TableOperations[Operation]['input'],
  ): Promise<TableOperations[Operation]['output']>;
  destroy(): void;
}

/** An error that DynamoDB has answered, by whichever way: its `name` is the exception's. */
export interface RequestFailure extends Error {
  /** Of a condition that has failed, where it was asked for: the row as it is. */
  readonly Item?: Attributes;
  /** Of a transaction that was cancelled, one for each of its writes. */
  readonly CancellationReasons?: readonly {
    readonly Code?: string;
    readonly Message?: string;
    readonly Item?: Attributes;
  }[];
}

/** A request without an answer is sent again: a table that is silent must not hold a run until its deadline. */
export const timeouts = { connectionTimeout: 2000, requestTimeout: 8000 };

/** Of one request, the first among them. */
export const maxAttempts = 5;
