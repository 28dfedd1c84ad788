import type { Message, MessageAttributeValue, SQSClient, SQSClientConfig } from '@aws-sdk/client-sqs';
import {
  parseConfig,
  type Settings,
  type SourceRecord,
  type SourceTask,
  type SourceTaskContext,
} from '../../src/api/index.ts';
import { assumedRole } from '../assumed-role.ts';
import { awsError } from '../aws-errors.ts';
import type { QueueAttribute, QueueMessage } from '../queue-event.ts';
import { messageRecords } from './message-record.ts';
import { regionOf, type SqsSourceSettings, sqsSourceConfig } from './settings.ts';

interface Sqs {
  readonly client: SQSClient;
  readonly sdk: typeof import('./sqs-sdk.ts');
}

/** A silent queue must not hold a run until its deadline. */
const connectionTimeoutMs = 3000;
const answerTimeoutMs = 10_000;
const mostInOneDelete = 10;

/**
 * Polls a queue that nobody has declared: messages are received, and deleted when their records are acknowledged and
 * committed. What is not deleted comes again when its visibility timeout is over.
 */
export class SqsSourceTask implements SourceTask {
  #settings: SqsSourceSettings | null = null;
  #sqs: Sqs | null = null;
  #signal: AbortSignal | null = null;
  #warn: (message: string) => void = () => {};
  #recordOf: (message: QueueMessage) => SourceRecord = () => {
    throw new Error('The task has not been started');
  };
  /** Receipt handles of acknowledged messages. */
  #done: string[] = [];

  async start(config: Settings, context: SourceTaskContext): Promise<void> {
    const settings = parseConfig(sqsSourceConfig, config);
    this.#settings = settings;
    this.#signal = context.signal;
    this.#warn = context.warn;
    this.#recordOf = messageRecords(settings);
    const sdk = await import('./sqs-sdk.ts');
    this.#sqs = { sdk, client: new sdk.SQSClient(await clientConfig(settings)) };
  }

  async poll(): Promise<SourceRecord[] | null> {
    const { client, sdk } = this.#opened();
    const settings = this.#settings!;
    const command = new sdk.ReceiveMessageCommand({
      QueueUrl: settings['sqs.queue.url'],
      MaxNumberOfMessages: settings['sqs.max.messages'],
      WaitTimeSeconds: settings['sqs.wait.time.seconds'],
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['All'],
    });
    try {
      const { Messages: messages = [] } = await client.send(command, { abortSignal: this.#signal! });
      return messages.length === 0 ? null : messages.map((message) => this.#recordOf(queueMessage(message)));
    } catch (error) {
      if (this.#signal!.aborted) return null;
      throw awsError(`Receiving from ${settings['sqs.queue.url']}`, error);
    }
  }

  commitRecord(record: SourceRecord): void {
    this.#done.push(String(record.sourceOffset['sqs.message.receipt-handle']));
  }

  async commit(): Promise<void> {
    const { client, sdk } = this.#opened();
    const QueueUrl = this.#settings!['sqs.queue.url'];
    const done = this.#done;
    this.#done = [];
    for (let from = 0; from < done.length; from += mostInOneDelete) {
      const Entries = done
        .slice(from, from + mostInOneDelete)
        .map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle }));
      try {
        const { Failed: failed = [] } = await client.send(new sdk.DeleteMessageBatchCommand({ QueueUrl, Entries }));
        for (const { Message: why } of failed) this.#warn(`A message was not deleted and comes again: ${why}`);
      } catch (error) {
        throw awsError(`Deleting ${Entries.length} messages from ${QueueUrl}, which come again`, error);
      }
    }
  }

  stop(): void {
    this.#sqs?.client.destroy();
    this.#sqs = null;
  }

  #opened(): Sqs {
    if (this.#sqs === null) throw new Error('The task has not been started');
    return this.#sqs;
  }
}

async function clientConfig(settings: SqsSourceSettings): Promise<SQSClientConfig> {
  const home = process.env.AWS_REGION ?? 'us-east-1';
  const region = regionOf(settings, home);
  const endpoint = settings['sqs.endpoint.url'];
  const credentials = await credentialsOf(settings, region);
  return {
    region,
    ...(endpoint === '' ? {} : { endpoint }),
    // The queue's URL names a host of its own: an emulator's would not be found under AWS's.
    useQueueUrlAsEndpoint: endpoint === '',
    ...(credentials === undefined ? {} : { credentials }),
    maxAttempts: 4,
    requestHandler: {
      connectionTimeout: connectionTimeoutMs,
      requestTimeout: settings['sqs.wait.time.seconds'] * 1000 + answerTimeoutMs,
      throwOnRequestTimeout: true,
    },
  };
}

async function credentialsOf(settings: SqsSourceSettings, region: string): Promise<SQSClientConfig['credentials']> {
  const accessKeyId = settings['sqs.credentials.provider.accessKeyId'];
  const secretAccessKey = settings['sqs.credentials.provider.secretKey'];
  const provider = settings['sqs.credentials.provider.class'] ?? '';
  if (provider.endsWith('UserCredentialsProvider') && accessKeyId !== null && secretAccessKey !== null) {
    return { accessKeyId: accessKeyId.reveal(), secretAccessKey: secretAccessKey.reveal() };
  }
  if (!provider.endsWith('AssumeRoleCredentialsProvider')) return undefined;
  const role = {
    arn: settings['sqs.credentials.provider.role.arn']!,
    sessionName: settings['sqs.credentials.provider.session.name'],
    externalId: settings['sqs.credentials.provider.external.id'],
    durationSeconds: null,
  };
  return assumedRole(role, { region });
}

function queueMessage(message: Message): QueueMessage {
  return {
    messageId: message.MessageId ?? '',
    receiptHandle: message.ReceiptHandle ?? '',
    body: message.Body ?? '',
    attributes: { ...message.Attributes },
    messageAttributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => [name, queueAttribute(value)]),
    ),
    queueArn: '',
  };
}

const queueAttribute = ({ DataType, StringValue, BinaryValue }: MessageAttributeValue): QueueAttribute => ({
  dataType: DataType ?? 'String',
  stringValue: StringValue ?? null,
  binaryValue: BinaryValue ?? null,
});
