import { rmSync } from 'node:fs';
import { kafkaAddress } from './services.ts';
import { createHarness, realKafka, uniqueName } from './worker-harness.ts';

/** Moves a file of large lines to a topic and back, in a process of its own whose memory is measured. */
const [file = '', topic = ''] = process.argv.slice(2);
const strings = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
};
const harness = createHarness({ kafka: realKafka(kafkaAddress()), budgetMs: 100_000 });
const [source, sink] = [uniqueName('memory-source'), uniqueName('memory-sink')];
await harness.create(source, { 'connector.class': 'FileStreamSource', file, topic, ...strings });
const read = await harness.runTask(source);
await harness.create(sink, { 'connector.class': 'FileStreamSink', file: `${file}.out`, topics: topic, ...strings });
const written = await harness.runTask(sink);
rmSync(`${file}.out`, { force: true });
const result = {
  source: read.records,
  sink: written.records,
  peakRssMb: Math.round(process.resourceUsage().maxRSS / 1024),
};
process.send?.(result, () => process.exit(0));
