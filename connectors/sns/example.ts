import type { Settings } from '../../src/api/index.ts';

/** For the page of this system; the tests run it. */
export const example = {
  title: 'SNS',
  intro: `The messages of an SNS topic, standard or FIFO, in SNS's envelope or raw. They come through a queue of the same kind, because what
SNS gives to a function itself is lost after a few failures.

\`\`\`ts
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { type Drover, snsSource } from 'drover/cdk';

function alerts(drover: Drover, topic: ITopic): void {
  snsSource(drover, { feed: 'alerts', topic });
}
\`\`\`

At least once: \`sns.message.id\` is the same when a message comes again. Those of one group of a FIFO topic reach Kafka in their order;
behind one that could not be delivered the others of its group wait. The time of a message is that of the record. While the
connector is paused, stopped or FAILED, or there is none, messages stay in the queue, for up to 14 days. What cannot be read goes by
\`errors.tolerance\`; by default it stops the connector, which says what it is.`,
  configs: [
    {
      name: 'alerts',
      'connector.class': 'SnsSource',
      'sns.feed': 'alerts',
      'kafka.topic': 'alerts',
      'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
      'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    },
  ],
} as const satisfies { title: string; intro: string; configs: readonly Settings[] };
