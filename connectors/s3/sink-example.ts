import type { Settings } from '../../src/api/index.ts';

/** For the page of the sinks; the tests run it. */
export const sinkExample = {
  title: 'S3 sinks',
  intro: `Topics become files in a bucket. There are two connectors with one engine: one takes the configs of Confluent's sink and
names files as that one does, the other those of Aiven's. What neither has is the same in both, under the same names:
\`flush.when.drained\`, \`flush.quiet.ms\`, \`file.max.bytes\`, \`file.max.age.ms\`, \`file.max.open\`, \`buffer.max.bytes\`, \`state.prefix\`.

**A burst ends as complete files.** Once its topics are drained, a file that has got no record for ten seconds (\`flush.quiet.ms\`) is
finished, by a run that is woken for it: nothing waits for records that may not come, and a burst with pauses is one file. What
trickles in for longer than a minute (six times that) is finished too. With \`flush.quiet.ms=0\` every run that has drained its topics finishes its
files. With \`flush.when.drained=false\` a file stays open over any number of runs, until it is full, old enough
or its schedule says so; the task is woken for that though nothing may come. A file's clock starts with its first record.

**Each record is in one file, whichever run dies.** A run uploads parts, and leaves what is too little for a part below
\`state.prefix\`; which parts and rests belong to a file is committed with the position, under the task's lease. The object
itself is made only once the commit that holds it is durable: a run that has lost its lease cannot make one. The next run
finds what a dead one has not made, and makes it. Where the parts themselves are gone, records are read again from the
file's first one; names tell the first offset, so that such a file is written over itself. A file is never written over a
longer one of the same records, nor a longer one of others taken away: then the task fails and names it.

**Different from the originals.** Files of a partition are rotated each by itself: late records and schemas in turns go on in
the open file of their path and schema (\`rotate.file.on.partition.change\` is false here). \`rotate.interval.ms\` counts from
the first record that came, for late ones from the time that the partition had come to. A null key, value or header that a
setting wants is the record's own error: it is passed over with \`errors.tolerance=all\` and a log or a dead letter topic
(\`errors.log.enable\`, \`errors.deadletterqueue.topic.name\`), without which a sink fails, as in Kafka Connect. gzip, snappy and zstd files are streams of several
members or frames, as every reader of these formats takes them. A topic that is deleted and made again has its offsets, and
so its names, again: give it another \`topics.dir\` if the old files are to stay.

**A pause, a stop or a deletion** finishes what is open, as the originals do: a run under way does it before it ends, and a task at rest gets
one more run for it. Stopped and deleted counts a connector once that is done, or has failed for half a minute (the event
\`task.left-open\`): then a connector that is started again goes on with what is open, but of a deleted one it is lost.

## With the CDK

\`s3Sink\` allows the functions what a sink needs of a bucket, below a prefix, and sets the rules that take away the uploads
and rests of runs that died:

\`\`\`ts
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { s3Sink } from 'drover/cdk';

s3Sink(drover, { bucket: new Bucket(this, 'Lake'), prefix: 'topics/' });
\`\`\`

Configs with \`s3.acl.canned\` need one right more: say \`cannedAcl: true\`, unless the connector is declared in \`connector\`, whose config tells.

S3 is reached through a gateway endpoint, which costs nothing; a function in private subnets needs no other way out.`,
  confluent: {
    name: 'orders-to-lake',
    'connector.class': 'io.confluent.connect.s3.S3SinkConnector',
    topics: 'orders',
    's3.bucket.name': 'lake',
    'format.class': 'io.confluent.connect.s3.format.parquet.ParquetFormat',
    'flush.size': '1000000',
    'partitioner.class': 'io.confluent.connect.storage.partitioner.HourlyPartitioner',
    'timestamp.extractor': 'Record',
    timezone: 'UTC',
    locale: 'en',
    'rotate.interval.ms': '3600000',
    'flush.when.drained': 'false',
  },
  aiven: {
    name: 'events-to-lake',
    'connector.class': 'io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector',
    topics: 'events',
    'aws.s3.bucket.name': 'lake',
    'format.output.type': 'jsonl',
    'format.output.fields': 'key,value,offset,timestamp',
    'file.name.template':
      'topics/{{topic}}/{{timestamp:unit=yyyy}}-{{timestamp:unit=MM}}/{{partition}}-{{start_offset}}.jsonl.gz',
    'file.compression.type': 'gzip',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter.schemas.enable': 'false',
  },
} as const satisfies { title: string; intro: string; confluent: Settings; aiven: Settings };
