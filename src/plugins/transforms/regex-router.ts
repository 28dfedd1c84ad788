import type { ConnectRecord } from '../../api/record.ts';
import type { Transformation } from '../../api/transformation.ts';
import { defineConfig, type Settings } from '../../config/config-def.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { validRegex } from '../../config/valid-regex.ts';
import { JavaRegex } from '../../java/regex.ts';
import { defineTransform } from './define-transform.ts';

const config = defineConfig({
  regex: {
    type: 'STRING',
    importance: 'HIGH',
    doc: "Java regular expression that the topic's whole name must match.",
    validator: validRegex,
  },
  replacement: { type: 'STRING', importance: 'HIGH', doc: 'New name; `$1` and `${name}` stand for groups.' },
});

/** Topics are few and records many: names that were seen before are not matched again, up to this many. */
const remembered = 1000;

class RegexRouter implements Transformation {
  #regex: JavaRegex | undefined;
  #replacement = '';
  readonly #routes = new Map<string, string>();

  configure(settings: Settings): void {
    const values = parseConfig(config, settings);
    this.#regex = new JavaRegex(values.regex, 'regex');
    this.#replacement = values.replacement;
    this.#routes.clear();
  }

  apply<R extends ConnectRecord<R>>(record: R): R {
    let topic = this.#routes.get(record.topic);
    if (topic === undefined) {
      topic = this.#route(record.topic);
      if (this.#routes.size >= remembered) this.#routes.clear();
      this.#routes.set(record.topic, topic);
    }
    return topic === record.topic ? record : record.with({ topic });
  }

  #route(topic: string): string {
    const regex = this.#regex;
    return regex?.matches(topic) ? regex.replaceFirst(topic, this.#replacement) : topic;
  }
}

export const regexRouter = defineTransform(
  {
    name: 'RegexRouter',
    doc: "Changes the topic's name with a regular expression.",
    config,
    examples: [
      {
        title: 'Swap two parts',
        settings: { regex: '(.*)-(.*)', replacement: '$2_$1' },
        before: { topic: 'orders-eu' },
        after: { topic: 'eu_orders' },
      },
    ],
  },
  () => new RegexRouter(),
);
