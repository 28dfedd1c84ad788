import type { Settings } from '../../src/api/index.ts';

/** For the page of this system; the tests run it. */
export const example = {
  title: 'SQS',
  intro: `The messages of a queue, standard or FIFO, on a topic. A queue that the deployment declares brings its messages: they are on the
topic at once, nothing polls, and nothing runs in between.

\`\`\`ts
import { Duration, type Stack } from 'aws-cdk-lib';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { type Drover, sqsSource } from 'drover/cdk';

function orders(stack: Stack, drover: Drover): void {
  const queue = new Queue(stack, 'Orders', { visibilityTimeout: Duration.minutes(3) });
  sqsSource(drover, { queue });
}
\`\`\`

Which connector has the messages is said by its config alone, by \`sqs.queue.url\`: connectors are created, changed and deleted over the
REST API without a deployment. One queue feeds one connector; a second one that names it is refused, with the name of the first
(one that was stopped while another took the queue is FAILED when it is resumed). A message leaves the queue when
Kafka has acknowledged its record, when a transformation has dropped it, or when its dead letter is acknowledged; the others are given
back one by one, of a FIFO queue with the later ones of their group. While no connector takes the messages (none names the queue, or it
is paused, stopped or FAILED) the queue is held: its messages stay where they are and their receive counts do not grow.

While Kafka, or what else every message needs, is away the queue rests: it is held for half a minute, then for twice as long each
time, up to five minutes, and one delivered message opens it again. So a message is tried a few times in an outage of hours, not until its receive count
puts it aside; \`GET /drover\` says until when it rests.

A queue that nobody declares is polled by the same config: the task function then needs \`sqs:ReceiveMessage\` and \`sqs:DeleteMessage\`
on it, and polling is paid for.

A message that cannot be processed is, under \`errors.tolerance=none\`, where the connector stops, as every source does:
its task is FAILED and the queue held. With \`errors.tolerance=all\` it goes to the dead letter topic; with
\`sqs.refused.messages=return\` it goes back, and the queue's own redrive policy has the last word. Give a redrive policy five tries or
more: a connector that is being paused may give a message back once.

Keys, records and headers are those of Nordstrom's connector, whose class name is taken; \`sqs.max.messages\` is 10 and not 1, and
attributes of every type become headers. Source offsets say which message a record came from, and mean nothing to the queue.`,
  source: {
    name: 'orders-in',
    'connector.class': 'SqsSource',
    'sqs.queue.url': 'https://sqs.eu-west-1.amazonaws.com/111122223333/orders',
    topics: 'orders',
    'sqs.record.key.pointer': '/id',
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
  },
} as const satisfies { title: string; intro: string; source: Settings };
