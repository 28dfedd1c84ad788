import { defineConfig, lambda, nonEmptyString, parseJsonPointer, topicName, validString } from '../../src/api/index.ts';

export const snsConfig = defineConfig({
  'sns.feed': {
    type: 'STRING',
    validator: nonEmptyString,
    importance: 'HIGH',
    doc: 'The feed that brings the messages, by its name in `snsSource(drover, { feed, … })`.',
  },
  'kafka.topic': {
    type: 'STRING',
    validator: topicName,
    importance: 'HIGH',
    doc: 'Topic that the messages are written to.',
  },
  'sns.record.value': {
    type: 'STRING',
    default: 'string',
    validator: validString('string', 'json', 'notification'),
    importance: 'HIGH',
    doc: 'string: the text of the message, as it was published. json: that text parsed, without a schema, whole numbers as 64-bit integers. notification: what SNS makes of it, parsed: Message, MessageId, TopicArn, Timestamp, …; not of a raw delivery.',
  },
  'sns.record.key.pointer': {
    type: 'STRING',
    default: null,
    validator: lambda('JSON pointer', (_name, value) => {
      try {
        if (value !== null) parseJsonPointer(String(value));
        return undefined;
      } catch (error) {
        return (error as Error).message;
      }
    }),
    importance: 'HIGH',
    doc: 'JSON pointer to the key inside the message: a text, or a number or boolean, which becomes text. Where there is none the key is null.',
  },
  'sns.record.key.attribute': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: 'Message attribute that holds the key. Without it and a pointer the key is the message group of a FIFO topic, else the id of the message.',
  },
  'sns.record.headers': {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    doc: 'Whether what SNS says of the message becomes record headers: sns.message.id (the same when it comes again), sns.topic, sns.subject, and of a FIFO topic sns.group and sns.sequence. Of a raw delivery the id is that of the queue.',
  },
  'sns.attributes.enabled': {
    type: 'BOOLEAN',
    default: true,
    importance: 'MEDIUM',
    doc: 'Whether message attributes become record headers under their names: texts and numbers as texts, binary ones as bytes.',
  },
  'sns.attributes.include.list': {
    type: 'LIST',
    default: [],
    importance: 'LOW',
    doc: 'Which of them. Empty: all.',
  },
});
