import type { Settings } from '../../src/api/index.ts';

/** For the page of this system; the tests run it. */
export const example = {
  title: 'Kinesis',
  intro: `Records of Amazon Kinesis Data Streams, under the settings and in the shape of jcustenborder's and Confluent's connectors: the key
a struct of the partition key, the value one of the data and where it came from. Records that Amazon's producer library has put
together are split, and each has an offset of its own. What a shard brings is in order, and what was split or merged is read parents
first.

\`\`\`ts
import type { IStream } from 'aws-cdk-lib/aws-kinesis';
import { type Drover, kinesisSource } from 'drover/cdk';

function clicks(drover: Drover, stream: IStream): void {
  kinesisSource(drover, { stream });
}
\`\`\`

With that the stream feeds the one connector that names it, and nothing runs while nothing arrives. A stream that is not declared is
polled. A batch that could not be delivered as a whole comes again as a whole, and goes on behind the last record that was committed.
From twelve hours behind on, the log says so. A connector that stops polling and is fed from then on goes on where it was, as long as
the stream's mapping begins no later.`,
  source: {
    name: 'clicks',
    'connector.class': 'KinesisSource',
    'kinesis.stream': 'clicks',
    'kafka.topic': 'clicks',
    'errors.tolerance': 'all',
    'drover.errors.deadletterqueue.topic.name': 'clicks-unreadable',
    // The broker's default: a local one cannot do three.
    'drover.errors.deadletterqueue.topic.replication.factor': '-1',
  },
} as const satisfies { title: string; intro: string; source: Settings };
