import type { RemovalPolicy } from 'aws-cdk-lib';
import {
  AttributeType,
  BillingMode,
  ProjectionType,
  StreamViewType,
  Table,
  TableEncryption,
  type TableProps,
} from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { tableDefinition } from '../src/storage/dynamodb/table.ts';

const { partitionKey, sortKey, timeToLive, stream, indexes } = tableDefinition;

const attribute = (key: { readonly name: string; readonly type: 'S' | 'N' }) => ({
  name: key.name,
  type: AttributeType[key.type === 'S' ? 'STRING' : 'NUMBER'],
});

/** For those who make the table themselves, in a stack of its own; give it the indexes with `addDroverIndexes`. */
export const droverTableProps: TableProps = {
  partitionKey: attribute(partitionKey),
  sortKey: attribute(sortKey),
  billingMode: BillingMode.PAY_PER_REQUEST,
  timeToLiveAttribute: timeToLive,
  stream: StreamViewType[stream],
  pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
};

/** Names of the table's indexes, for policies. */
export const indexNames: readonly string[] = Object.keys(indexes);

export function addDroverIndexes(table: Table): void {
  for (const [indexName, index] of Object.entries(indexes)) {
    const { type } = index.projection;
    table.addGlobalSecondaryIndex({
      indexName,
      partitionKey: attribute(index.partitionKey),
      sortKey: attribute(index.sortKey),
      projectionType: ProjectionType[type],
      ...('attributes' in index.projection ? { nonKeyAttributes: [...index.projection.attributes] } : {}),
    });
  }
}

export interface TableSettings {
  readonly removalPolicy: RemovalPolicy;
  readonly tableName?: string | undefined;
  readonly encryptionKey?: IKey | undefined;
}

export function createTable(scope: Construct, settings: TableSettings): Table {
  const { removalPolicy, tableName, encryptionKey } = settings;
  const table = new Table(scope, 'Table', {
    ...droverTableProps,
    removalPolicy,
    ...(tableName === undefined ? {} : { tableName }),
    ...(encryptionKey === undefined ? {} : { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey }),
  });
  addDroverIndexes(table);
  return table;
}
