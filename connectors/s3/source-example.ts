import type { Settings } from '../../src/api/index.ts';

/** For the page of the source; the tests run it. */
export const example = {
  title: 'S3 source',
  intro: `Objects of a bucket become records: each line of text or of JSON, each row of CSV or Parquet, each record of an Avro
container. Settings and class name are those of Aiven's connector, so that its configs carry over, and so do its offsets: an
object that was read in part there is read on from the same record here.

**What is read.** Every object under \`aws.s3.prefix\` whose key \`file.name.template\` finds, once (but for \`_drover/\`, where a sink keeps the rests of its open files); what is written under the
same key later is another object. Objects are dealt out to 64 lanes by their key, and lanes to tasks, so that a key always has
one owner; the oldest object of a lane comes first. Empty objects have no records and are passed over.

**Where it goes on.** The offset of a lane says which object it is at, by its ETag and version, and where in it. A run goes
on from there by a ranged request, so that nothing that was sent is downloaded again; of packed objects, which have no
middle, it leaves out as many records as were sent, and Avro and Parquet are read on from the block or row group. What is
finished is kept in the lane's offset by id for \`objects.late.ms\`, and after that by time alone: an offset does not grow with
the number of objects.

**How objects are found.** Events wake the connector (\`s3Source\` below); every run then lists the prefix. Without events it is listed
as often as idle connectors are looked after, and without any of it being lost. A bucket with very many finished objects costs
less with \`objects.finished=delete\` or \`move\`, which clears them away once their records are committed.

**What cannot be read.** A line, row or block that is damaged is told with its bucket, key, version and place. By
\`errors.tolerance\` the task fails there, or skips it, writes it to the dead letter topic
(\`drover.errors.deadletterqueue.topic.name\`) and goes on with the rest of the object. The same holds, once and not for each line, for objects that are
archived (Glacier), may not be read, are encrypted with a key that cannot be used, are packed by what is not unpacked here (bzip2, xz, lz4, brotli, zip),
or are something else than \`input.format\` says, whatever their names end in. One that is gone is told in the log, and does not stop the others.

**Values.** jsonl and json have no schema; csv gives structs of optional strings, or of what \`csv.types\` says; Avro and Parquet
bring their own schemas. Decimals keep all their digits. Times with more than milliseconds are whole numbers (int64), of
Parquet with the unit in the schema's parameter \`parquet.unit\`.

**Templates** (\`topic\`, \`record.key\`, \`record.partition\`, \`record.headers\`) hold names and pointers in double braces:
\`{{bucket}}\`, \`{{key}}\`, \`{{name}}\` (the key behind its last slash), \`{{etag}}\`, \`{{version}}\`, \`{{modified}}\`,
\`{{record}}\` (the number of the record in its object), groups of \`file.name.template\`, and JSON pointers into the value:
\`{{/customer/id}}\`.

In a CDK app:

\`\`\`ts
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { s3Source } from 'drover/cdk';

s3Source(drover, { bucket: new Bucket(this, 'Orders'), prefix: 'in/', wakes: ['orders-in'] });
\`\`\`

It lets connectors read the prefix and nothing else. Within a VPC the gateway endpoint of S3, which is free, is all they need.`,
  source: {
    name: 'orders-in',
    'connector.class': 'io.aiven.kafka.connect.s3.source.S3SourceConnector',
    'tasks.max': '4',
    'aws.s3.bucket.name': 'my-orders',
    'aws.s3.prefix': 'in/',
    'input.format': 'jsonl',
    'file.compression.type': 'auto',
    topic: 'orders',
    'record.key': '{{/order/id}}',
    'record.headers': 's3.key={{key}}',
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter.schemas.enable': 'false',
  },
} as const satisfies { title: string; intro: string; source: Settings };
