import type { ConnectRecord } from '../../api/record.ts';
import type { Predicate } from '../../api/transformation.ts';
import { defineConfig, type Settings } from '../../config/config-def.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { validRegex } from '../../config/valid-regex.ts';
import { allOf, nonEmptyString } from '../../config/validators.ts';
import { JavaRegex } from '../../java/regex.ts';
import { definePredicate } from './define-predicate.ts';

const config = defineConfig({
  pattern: {
    type: 'STRING',
    importance: 'MEDIUM',
    doc: "Java regular expression that the topic's whole name must match.",
    validator: allOf(nonEmptyString, validRegex),
  },
});

/** Topics are few and records many: names that were seen before are not matched again, up to this many. */
const remembered = 1000;

class TopicNameMatches implements Predicate {
  #regex: JavaRegex | undefined;
  readonly #known = new Map<string, boolean>();

  configure(settings: Settings): void {
    this.#regex = new JavaRegex(parseConfig(config, settings).pattern, 'pattern');
    this.#known.clear();
  }

  test<R extends ConnectRecord<R>>(record: R): boolean {
    let matches = this.#known.get(record.topic);
    if (matches === undefined) {
      matches = this.#regex?.matches(record.topic) ?? false;
      if (this.#known.size >= remembered) this.#known.clear();
      this.#known.set(record.topic, matches);
    }
    return matches;
  }
}

export const topicNameMatches = definePredicate(
  {
    name: 'TopicNameMatches',
    doc: 'True for records of topics whose name matches.',
    config,
    examples: [
      { title: 'It matches', settings: { pattern: 'orders-.*' }, before: { topic: 'orders-eu' }, after: true },
      { title: 'Only a part matches', settings: { pattern: 'orders' }, before: { topic: 'orders-eu' }, after: false },
    ],
  },
  () => new TopicNameMatches(),
);
