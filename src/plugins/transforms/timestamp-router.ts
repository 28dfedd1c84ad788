import type { ConnectRecord } from '../../api/record.ts';
import type { Transformation } from '../../api/transformation.ts';
import { defineConfig, type Settings } from '../../config/config-def.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { DataError } from '../../errors.ts';
import { SimpleDateFormat } from '../../java/simple-date-format.ts';
import { defineTransform } from './define-transform.ts';

const config = defineConfig({
  'topic.format': {
    type: 'STRING',
    default: '${topic}-${timestamp}',
    importance: 'HIGH',
    doc: 'New name; `${topic}` and `${timestamp}` are filled in.',
  },
  'timestamp.format': {
    type: 'STRING',
    default: 'yyyyMMdd',
    importance: 'HIGH',
    doc: "Pattern of Java's SimpleDateFormat for the record's timestamp, in UTC.",
  },
});

class TimestampRouter implements Transformation {
  #topicFormat = '';
  #pattern = '';
  #format: SimpleDateFormat | undefined;
  #last: { timestamp: number; text: string } | undefined;

  configure(settings: Settings): void {
    const values = parseConfig(config, settings);
    this.#topicFormat = values['topic.format'];
    this.#pattern = values['timestamp.format'];
    this.#format = undefined;
    this.#last = undefined;
  }

  apply<R extends ConnectRecord<R>>(record: R): R {
    const { timestamp } = record;
    if (timestamp === null) throw new DataError(`Timestamp missing on record of topic ${record.topic}`);
    if (this.#last?.timestamp !== timestamp) {
      // Connect reads the pattern with the first record, so that is when a bad one is told.
      this.#format ??= new SimpleDateFormat(this.#pattern);
      this.#last = { timestamp, text: this.#format.format(timestamp) };
    }
    const { text } = this.#last;
    const topic = this.#topicFormat.replaceAll('${topic}', () => record.topic).replaceAll('${timestamp}', () => text);
    return record.with({ topic });
  }
}

export const timestampRouter = defineTransform(
  {
    name: 'TimestampRouter',
    doc: "Puts the record's timestamp into the topic's name.",
    config,
    examples: [
      {
        title: 'A topic per month',
        settings: { 'topic.format': '${topic}.${timestamp}', 'timestamp.format': 'yyyy-MM' },
        before: { topic: 'log', timestamp: 1700000000000 },
        after: { topic: 'log.2023-11' },
      },
    ],
  },
  () => new TimestampRouter(),
);
