import type { Settings } from '../../src/api/index.ts';

/** For the page of this system; the tests run it. */
export const example = {
  title: 'EventBridge',
  intro: `The events of a rule, of any bus: those of an app, of S3, of a schedule, of a partner. They come through a queue, because what
EventBridge gives to a function itself is lost after a few failures.

\`\`\`ts
import { EventBus } from 'aws-cdk-lib/aws-events';
import { type Drover, eventBridgeSource } from 'drover/cdk';

function orders(drover: Drover, bus: EventBus): void {
  eventBridgeSource(drover, { feed: 'orders', bus, pattern: { source: ['shop'], detailType: ['Order'] } });
}
\`\`\`

At least once, in no order: \`eventbridge.id\` is the same when an event comes again. The time of the event is that of the record.
While the connector is paused, stopped or FAILED, or there is none, events stay in the queue, for up to 14 days. A message that is no
event goes by \`errors.tolerance\`; by default it stops the connector, which says what it is. The target must pass on the matched event
as it is, with no input of its own.`,
  configs: [
    {
      name: 'orders',
      'connector.class': 'EventBridgeSource',
      'eventbridge.feed': 'orders',
      'kafka.topic': 'orders',
      'eventbridge.record.value': 'detail',
      'eventbridge.record.key.pointer': '/detail/orderId',
      'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'value.converter.schemas.enable': 'false',
    },
  ],
} as const satisfies { title: string; intro: string; configs: readonly Settings[] };
