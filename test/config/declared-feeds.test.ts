import { describe, expect, it } from 'vitest';
import { parseDeclaredFeeds } from '../../src/config/declared-feeds.ts';

const parse = (value: unknown) => parseDeclaredFeeds(JSON.stringify(value), 'drover.feeds');

describe('declared feeds', () => {
  it('are known by their key, by the ARN of their events, and by their mapping', () => {
    const feeds = parse([
      { key: 'arn:q' },
      { key: 'eventbridge:orders', source: 'arn:buffer', mapping: 'id-1' },
      { key: 'hook:*' },
    ]);
    expect(['arn:q', 'eventbridge:orders', 'hook:anything'].map((key) => feeds.covers(key))).toEqual([
      true,
      true,
      true,
    ]);
    expect(['arn:other', 'arn:buffer', 'hoo'].map((key) => feeds.covers(key))).toEqual([false, false, false]);
    expect(feeds.keyOf('arn:buffer')).toBe('eventbridge:orders');
    expect(feeds.keyOf('arn:q')).toBe('arn:q');
    expect(feeds.mappingOf('eventbridge:orders')).toBe('id-1');
    expect(feeds.mappingOf('arn:q')).toBeNull();
    expect([feeds.names('hook:x'), feeds.names('arn:q')]).toEqual([false, true]);
  });

  it.each(['{', '{}', '[{}]', '["arn"]', '[{"key":7}]', '[null]'])('refuses %s by the name of the setting', (text) => {
    expect(() => parseDeclaredFeeds(text, 'drover.feeds')).toThrow('drover.feeds');
  });
});
