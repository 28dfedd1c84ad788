import { isFields, jsonIn } from './fields.ts';

/**
 * What the events of S3, SQS, SNS and EventBridge look like that wake connectors. An event names the connectors it is
 * for, or the queue or topic that it comes from stands for some by its ARN (`sources`); nothing is looked up among those
 * that exist (L2). The names may stand
 *  - in the event itself: `{"drover":{"wake":["name"]}}` (an EventBridge rule's or schedule's constant input),
 *  - in an EventBridge event's `detail` in the same form,
 *  - in the body of an SQS message or the text of an SNS message in the same form, also where a topic feeds the queue,
 *  - in a message attribute `drover.wake` of an SQS message: names with commas between,
 *  - in the id of an S3 notification configuration: `drover.wake:name,name`.
 */
export function namesToWake(event: unknown, sources: ReadonlyMap<string, readonly string[]>): string[] {
  const names = new Set<string>();
  if (isFields(event) && Array.isArray(event.Records)) {
    for (const record of event.Records) for (const name of sources.get(sourceOf(record)) ?? []) names.add(name);
  }
  collect(event, names, 0);
  return [...names];
}

/** The ARN of the queue or topic that has invoked; empty for anything else. */
function sourceOf(record: unknown): string {
  if (!isFields(record)) return '';
  const arn = record.eventSourceARN ?? (isFields(record.Sns) ? record.Sns.TopicArn : undefined);
  return typeof arn === 'string' ? arn : '';
}

const notificationPrefix = 'drover.wake:';
/** An S3 event inside an SNS message inside an SQS message, and one to spare. */
const deepest = 5;

function collect(event: unknown, names: Set<string>, depth: number): void {
  if (depth > deepest || !isFields(event)) return;
  const { drover, detail, Records: records, Type: type, Message: message } = event;
  if (isFields(drover) && Array.isArray(drover.wake)) {
    for (const name of drover.wake) if (typeof name === 'string') names.add(name);
  }
  collect(detail, names, depth + 1);
  if (type === 'Notification' && typeof message === 'string') collect(jsonIn(message), names, depth + 1);
  if (!Array.isArray(records)) return;
  for (const record of records) if (isFields(record)) collectRecord(record, names, depth);
}

function collectRecord(record: Readonly<Record<string, unknown>>, names: Set<string>, depth: number): void {
  if (isFields(record.s3) && typeof record.s3.configurationId === 'string') {
    const id = record.s3.configurationId;
    if (id.startsWith(notificationPrefix)) addList(id.slice(notificationPrefix.length), names);
  }
  const attributes = record.messageAttributes;
  const attribute = isFields(attributes) ? attributes['drover.wake'] : undefined;
  if (isFields(attribute) && typeof attribute.stringValue === 'string') addList(attribute.stringValue, names);
  if (typeof record.body === 'string') collect(jsonIn(record.body), names, depth + 1);
  if (isFields(record.Sns) && typeof record.Sns.Message === 'string') {
    collect(jsonIn(record.Sns.Message), names, depth + 1);
  }
}

function addList(text: string, names: Set<string>): void {
  for (const name of text.split(',')) if (name.trim() !== '') names.add(name.trim());
}
