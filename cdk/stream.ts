import { Duration } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { FilterCriteria, type Function as LambdaFunction, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource, SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { streamFilters } from '../src/storage/dynamodb/table.ts';
import { acknowledgeResource } from './acknowledged.ts';

const filters = (patterns: readonly object[]) =>
  patterns.map((pattern) => FilterCriteria.filter(pattern as Record<string, unknown>));

export interface StreamReaders {
  readonly coordinator: LambdaFunction;
  readonly mirror: LambdaFunction;
  /** Where goes what the mirror could not take in a day. */
  readonly failures: Queue;
}

/** The changes of the table, each to whom it concerns. */
export function readStream(table: ITable, { coordinator, mirror, failures }: StreamReaders): void {
  coordinator.addEventSource(
    new DynamoEventSource(table, {
      startingPosition: StartingPosition.LATEST,
      batchSize: 100,
      filters: filters(streamFilters.coordinator),
      parallelizationFactor: 2,
      // What is lost here the next tick finds: no failure to keep.
      retryAttempts: 2,
      maxRecordAge: Duration.minutes(1),
      bisectBatchOnError: true,
    }),
  );
  mirror.addEventSource(
    new DynamoEventSource(table, {
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: 500,
      // A lease taken and released again, or a second of commits, is one invocation.
      maxBatchingWindow: Duration.seconds(1),
      filters: filters(streamFilters.mirror),
      // In order, and until Kafka takes it: the stream keeps a day.
      retryAttempts: -1,
      onFailure: new SqsDlq(failures),
    }),
  );
  for (const fn of [coordinator, mirror]) {
    acknowledgeResource(
      fn.role!,
      '*',
      'dynamodb:ListStreams, which Lambda needs to read the stream, knows no resource',
    );
  }
}
