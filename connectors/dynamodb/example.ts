import type { Settings } from '../../src/api/index.ts';

/** For the page of this system; the tests run it. */
export const example = {
  title: 'DynamoDB',
  intro: `Changes of DynamoDB tables, from their streams, under the settings of Trustpilot's connector and in its shape: the key a struct of the
table's key attributes as text, the value an envelope with the item as text of DynamoDB JSON. \`record.shape=images\` gives both
images as plain values instead. The order of an item's changes is kept.

\`\`\`ts
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { type Drover, dynamodbSource } from 'drover/cdk';

function orders(drover: Drover, table: ITable): void {
  dynamodbSource(drover, { table });
}
\`\`\`

With that the table's stream feeds the one connector that names the table, so that nothing runs while nothing changes. A connector
that names several tables polls, and so does one whose table is not declared. The view of the stream must give new images.

**Where it goes on.** A batch that could not be delivered as a whole comes again as a whole, and goes on behind the last record that
was committed. DynamoDB keeps the records of a stream for 24 hours: \`GET /drover/connectors/{connector}\` says how far behind the last
ones were and how long until the next are lost (\`lag\`: \`seconds\`, \`seconds_left\`), from twelve hours on the log does, and a polled
stream whose next records are gone fails with the range that is lost, unless \`stream.trimmed\` lets it go on. Nothing is scanned
again by itself.

**Snapshots** are taken on request alone, in bounded runs beside the stream, and go on where they were. To have another, remove the
offset of the table's source partition, \`{"table_name": …}\`. While the stream feeds the connector, a record of the snapshot may
arrive behind a newer change of its item: compare \`ts_ms\` where that matters. A polled stream has it in order.`,
  source: {
    name: 'orders-changes',
    'connector.class': 'DynamoDbStreamsSourceConnector',
    'dynamodb.table.whitelist': 'orders',
    'kafka.topic.prefix': 'dynamodb-',
    'errors.tolerance': 'all',
    'drover.errors.deadletterqueue.topic.name': 'orders-unreadable',
    // The broker's default: a local one cannot do three.
    'drover.errors.deadletterqueue.topic.replication.factor': '-1',
  },
} as const satisfies { title: string; intro: string; source: Settings };
