import {
  ConfigError,
  type ConfigProblem,
  type ConfigValues,
  defineConfig,
  lambda,
  parseJsonPointer,
  range,
  topicName,
  validString,
} from '../../src/api/index.ts';

const queueUrl = lambda('the URL of a queue', (_name, value) =>
  /^https?:\/\/[^/]+\/\d{12}\/[\w-]{1,80}(?:\.fifo)?$/.test(String(value))
    ? undefined
    : 'It looks like https://sqs.eu-west-1.amazonaws.com/111122223333/orders',
);

const url = lambda('a URL', (_name, value) =>
  value === '' || URL.canParse(String(value)) ? undefined : 'Give it whole, as in https://sqs.example.com',
);

const region = lambda('a region', (_name, value) =>
  value === null || /^[a-z]{2}(?:-[a-z]+)+-\d$/.test(String(value)) ? undefined : 'It looks like eu-west-1',
);

const pointer = lambda('a JSON pointer', (_name, value) => {
  try {
    parseJsonPointer(String(value));
    return undefined;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message;
  }
});

const noneOr = (...valid: readonly string[]) =>
  lambda(`one of ${valid.join(', ')}`, (_name, value) =>
    value === null || valid.includes(String(value)) ? undefined : `It must be one of ${valid.join(', ')}`,
  );

const providers = {
  user: 'com.nordstrom.kafka.connect.auth.AWSUserCredentialsProvider',
  role: 'com.nordstrom.kafka.connect.auth.AWSAssumeRoleCredentialsProvider',
} as const;

/** Nordstrom's settings, and below them Drover's own. */
export const sqsSourceConfig = defineConfig({
  'sqs.queue.url': {
    type: 'STRING',
    validator: queueUrl,
    importance: 'HIGH',
    doc: 'URL of the queue, standard or FIFO. A queue that the deployment declares brings its messages; else it is polled.',
  },
  topics: { type: 'STRING', validator: topicName, importance: 'HIGH', doc: 'The topic that messages go to.' },
  'sqs.region': {
    type: 'STRING',
    default: null,
    validator: region,
    importance: 'HIGH',
    doc: "The queue's region. Left out: the one in the URL, else the function's own.",
  },
  'sqs.endpoint.url': {
    type: 'STRING',
    default: '',
    validator: url,
    importance: 'LOW',
    doc: 'Polling: another service that speaks the protocol of SQS.',
  },
  'sqs.max.messages': {
    type: 'INT',
    default: 10,
    validator: range(1, 10),
    importance: 'LOW',
    doc: 'Polling: most messages of one request.',
  },
  'sqs.wait.time.seconds': {
    type: 'INT',
    default: 1,
    validator: range(0, 20),
    importance: 'LOW',
    doc: 'Polling: how long a request waits for messages; a run that waits is paid for.',
  },
  'sqs.message.attributes.enabled': {
    type: 'BOOLEAN',
    default: false,
    importance: 'LOW',
    doc: 'Message attributes become headers: String and Number as text, Binary as bytes.',
  },
  'sqs.message.attributes.include.list': {
    type: 'LIST',
    default: '',
    importance: 'LOW',
    doc: 'Only these attributes, with sqs.message.attributes.enabled; all when left out.',
  },
  'sqs.message.attributes.partition.key': {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    doc: 'Name of the attribute whose value is the key of the record, with sqs.message.attributes.enabled.',
  },
  'sqs.credentials.provider.class': {
    type: 'STRING',
    default: null,
    validator: noneOr(...Object.values(providers)),
    importance: 'LOW',
    doc: 'Polling: whose credentials are used. Left out: those of the task function, which is better.',
  },
  'sqs.credentials.provider.accessKeyId': {
    type: 'PASSWORD',
    default: null,
    importance: 'LOW',
    doc: 'Access key of AWSUserCredentialsProvider.',
  },
  'sqs.credentials.provider.secretKey': {
    type: 'PASSWORD',
    default: null,
    importance: 'LOW',
    doc: 'Secret key of AWSUserCredentialsProvider.',
  },
  'sqs.credentials.provider.role.arn': {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: 'Role of AWSAssumeRoleCredentialsProvider.',
  },
  'sqs.credentials.provider.session.name': {
    type: 'STRING',
    default: 'drover',
    importance: 'LOW',
    doc: 'Session name of AWSAssumeRoleCredentialsProvider.',
  },
  'sqs.credentials.provider.external.id': {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: 'External id of AWSAssumeRoleCredentialsProvider.',
  },
  'sqs.record.key': {
    type: 'STRING',
    default: null,
    validator: noneOr('message-id', 'group-id', 'attribute', 'pointer'),
    importance: 'MEDIUM',
    doc:
      'The key of the record: the id of the message, its group (FIFO), the attribute of ' +
      'sqs.message.attributes.partition.key, or what sqs.record.key.pointer points at. Left out: the pointer or the ' +
      'attribute if one is named, else the id.',
  },
  'sqs.record.key.pointer': {
    type: 'STRING',
    default: '',
    validator: pointer,
    importance: 'MEDIUM',
    doc: 'JSON pointer into the body, as in /customer/id; what it points at is the key as text.',
  },
  'sqs.record.key.missing': {
    type: 'STRING',
    default: 'message-id',
    validator: validString('message-id', 'null', 'fail'),
    importance: 'LOW',
    doc: 'A message without such a key gets its id, no key, or is one that cannot be read (errors.tolerance).',
  },
  'sqs.record.timestamp': {
    type: 'STRING',
    default: 'none',
    validator: validString('none', 'sent'),
    importance: 'LOW',
    doc: 'The timestamp of the record: none (it gets the time at which it is produced), or when the message was sent.',
  },
  'sqs.refused.messages': {
    type: 'STRING',
    default: 'fail',
    validator: validString('fail', 'return'),
    importance: 'MEDIUM',
    doc:
      'A message that cannot be processed, under errors.tolerance=none: fail the connector and hold the queue, as a task ' +
      'stops at a record; or return it to the queue, whose redrive policy has the last word, and go on with the others.',
  },
});

export type SqsSourceSettings = ConfigValues<typeof sqsSourceConfig>;

export type RecordKey = 'message-id' | 'group-id' | 'attribute' | 'pointer';

export function recordKeyOf(settings: SqsSourceSettings): RecordKey {
  const named = settings['sqs.record.key'] as RecordKey | null;
  if (named !== null) return named;
  if (settings['sqs.record.key.pointer'] !== '') return 'pointer';
  return settings['sqs.message.attributes.enabled'] && settings['sqs.message.attributes.partition.key'] !== ''
    ? 'attribute'
    : 'message-id';
}

/** What no single setting shows. */
export function sqsSourceProblems(settings: SqsSourceSettings): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const missing = (key: keyof SqsSourceSettings & string, why: string) =>
    problems.push({ key, message: `${key} is missing: ${why}` });
  const key = recordKeyOf(settings);
  if (key === 'pointer' && settings['sqs.record.key.pointer'] === '') {
    missing('sqs.record.key.pointer', 'sqs.record.key=pointer needs it');
  }
  if (key === 'attribute' && settings['sqs.message.attributes.partition.key'] === '') {
    missing('sqs.message.attributes.partition.key', 'sqs.record.key=attribute needs it');
  }
  const provider = settings['sqs.credentials.provider.class'];
  if (provider === providers.user) {
    for (const name of ['sqs.credentials.provider.accessKeyId', 'sqs.credentials.provider.secretKey'] as const) {
      if (settings[name] === null) missing(name, `${provider} needs it`);
    }
  }
  if (provider === providers.role && settings['sqs.credentials.provider.role.arn'] === null) {
    missing('sqs.credentials.provider.role.arn', `${provider} needs it`);
  }
  return problems;
}

const regionOfHost = /^(?:sqs[.-](?:fips\.)?([a-z]{2}(?:-[a-z]+)+-\d)|([a-z]{2}(?:-[a-z]+)+-\d)\.queue)\./;

/** The queue's region, by the setting, the URL, or else where the installation stands. */
export function regionOf(settings: Pick<SqsSourceSettings, 'sqs.region' | 'sqs.queue.url'>, home: string): string {
  const host = new URL(settings['sqs.queue.url']).hostname;
  const match = regionOfHost.exec(host);
  return settings['sqs.region'] ?? match?.[1] ?? match?.[2] ?? home;
}

export function queueArn(settings: Pick<SqsSourceSettings, 'sqs.region' | 'sqs.queue.url'>, home: string): string {
  const region = regionOf(settings, home);
  const [account, name] = new URL(settings['sqs.queue.url']).pathname.split('/').slice(1);
  return `arn:${partitionOf(region)}:sqs:${region}:${account}:${name}`;
}

function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
