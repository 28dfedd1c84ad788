import { defineConfig, lambda, nonEmptyString, parseJsonPointer, topicName, validString } from '../../src/api/index.ts';

export const eventBridgeConfig = defineConfig({
  'eventbridge.feed': {
    type: 'STRING',
    validator: nonEmptyString,
    importance: 'HIGH',
    doc: 'The feed that brings the events, by its name in `eventBridgeSource(drover, { feed, … })`.',
  },
  'kafka.topic': {
    type: 'STRING',
    validator: topicName,
    importance: 'HIGH',
    doc: 'Topic that the events are written to.',
  },
  'eventbridge.record.value': {
    type: 'STRING',
    default: 'event',
    validator: validString('event', 'detail', 'text'),
    importance: 'HIGH',
    doc: 'event: the whole event, without a schema, whole numbers as 64-bit integers. detail: its detail alone. text: the JSON text of the event, as it came.',
  },
  'eventbridge.record.key.pointer': {
    type: 'STRING',
    default: '/id',
    validator: lambda('JSON pointer', (_name, value) => {
      try {
        parseJsonPointer(String(value));
        return undefined;
      } catch (error) {
        return (error as Error).message;
      }
    }),
    importance: 'MEDIUM',
    doc: 'JSON pointer to the key inside the whole event: a text, or a number or boolean, which becomes text; `/detail/orderId`, say. Where there is none the key is null. Empty: no keys.',
  },
  'eventbridge.record.headers': {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    doc: 'Whether what the event says of itself becomes record headers: eventbridge.id (the same when it comes again), .source, .detail-type, .account, .region, .time, and .resources with commas between.',
  },
});
