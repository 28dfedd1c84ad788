import {
  type ConfigProblem,
  type ConfigValues,
  defineConfig,
  lambda,
  nonEmptyString,
  range,
} from '../../src/api/index.ts';
import type { S3Access } from './s3-client.ts';

const url = lambda('a URL', (_name, value) => {
  if (value === null || value === '') return undefined;
  return URL.canParse(String(value)) ? undefined : 'Give it whole, as in https://s3.example.com';
});

/** How Aiven's connectors, source and sink, find their bucket; `aws_…` are their older names. */
export const aivenAccessConfig = defineConfig({
  'aws.s3.bucket.name': {
    type: 'STRING',
    default: null,
    validator: nonEmptyString,
    importance: 'HIGH',
    doc: 'The bucket. Required.',
  },
  aws_s3_bucket: {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: 'Older name of aws.s3.bucket.name.',
    deprecated: 'aws.s3.bucket.name',
  },
  'aws.s3.region': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: "The bucket's region. Left out: the function's own.",
  },
  aws_s3_region: {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: 'Older name of aws.s3.region.',
    deprecated: 'aws.s3.region',
  },
  'aws.s3.endpoint': {
    type: 'STRING',
    default: null,
    validator: url,
    importance: 'LOW',
    doc: 'Another store that speaks S3; the bucket goes into the path then.',
  },
  aws_s3_endpoint: {
    type: 'STRING',
    default: null,
    validator: url,
    importance: 'LOW',
    doc: 'Older name of aws.s3.endpoint.',
    deprecated: 'aws.s3.endpoint',
  },
  'aws.access.key.id': {
    type: 'PASSWORD',
    default: null,
    importance: 'MEDIUM',
    doc: "Access key, together with aws.secret.access.key. Left out: the function's role, which is better.",
  },
  'aws.secret.access.key': {
    type: 'PASSWORD',
    default: null,
    importance: 'MEDIUM',
    doc: 'Secret of aws.access.key.id.',
  },
  'aws.sts.role.arn': {
    type: 'STRING',
    default: null,
    validator: nonEmptyString,
    importance: 'MEDIUM',
    doc: 'A role to assume, for a bucket of another account say. Needs a way to STS.',
  },
  'aws.sts.role.session.name': {
    type: 'STRING',
    default: 'drover',
    validator: nonEmptyString,
    importance: 'LOW',
    doc: 'Name of the session of that role, as the log of AWS shows it.',
  },
  'aws.sts.role.external.id': {
    type: 'STRING',
    default: null,
    validator: nonEmptyString,
    importance: 'LOW',
    doc: 'External id that the role asks for.',
  },
  'aws.sts.role.session.duration': {
    type: 'INT',
    default: 3600,
    validator: range(900, 43_200),
    importance: 'LOW',
    doc: 'Seconds after which the role is taken anew.',
  },
  'aws.sts.config.endpoint': {
    type: 'STRING',
    default: null,
    validator: url,
    importance: 'LOW',
    doc: 'Where STS is. Left out: that of the region.',
  },
});

type AivenAccess = ConfigValues<typeof aivenAccessConfig>;

/** Null: no bucket is named. */
export const aivenBucket = (values: AivenAccess): string | null => values['aws.s3.bucket.name'] ?? values.aws_s3_bucket;

export function aivenAccess(values: AivenAccess): S3Access {
  const accessKeyId = values['aws.access.key.id'];
  const secretAccessKey = values['aws.secret.access.key'];
  const arn = values['aws.sts.role.arn'];
  return {
    region: values['aws.s3.region'] ?? values.aws_s3_region,
    endpoint: values['aws.s3.endpoint'] ?? values.aws_s3_endpoint,
    pathStyle: null,
    credentials:
      accessKeyId === null || secretAccessKey === null ? null : { accessKeyId: accessKeyId.reveal(), secretAccessKey },
    role:
      arn === null
        ? null
        : {
            arn,
            sessionName: values['aws.sts.role.session.name'],
            externalId: values['aws.sts.role.external.id'],
            durationSeconds: values['aws.sts.role.session.duration'],
            stsEndpoint: values['aws.sts.config.endpoint'],
          },
  };
}

/** What no single setting shows. */
export function aivenAccessProblems(values: AivenAccess): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if (aivenBucket(values) === null) {
    problems.push({ key: 'aws.s3.bucket.name', message: 'The bucket is missing: name it in aws.s3.bucket.name' });
  }
  const [id, secret] = [values['aws.access.key.id'], values['aws.secret.access.key']];
  if ((id === null) !== (secret === null)) {
    const [key, other] =
      id === null
        ? (['aws.access.key.id', 'aws.secret.access.key'] as const)
        : (['aws.secret.access.key', 'aws.access.key.id'] as const);
    problems.push({ key, message: `${key} is missing: set it together with ${other}, or neither of them` });
  }
  return problems;
}
