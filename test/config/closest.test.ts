import { describe, expect, it } from 'vitest';
import { misspeltSettings } from '../../src/config/closest.ts';

describe('misspelt settings', () => {
  const declared = new Set(['flush.size', 'topics', 'topics.regex', 's3.bucket.name', 'tasks.max']);
  it.each([
    ['flush.siz', 'flush.size'],
    ['flush_size', 'flush.size'],
    ['FlushSize', 'flush.size'],
    ['topic', 'topics'],
    ['s3.bucekt.name', 's3.bucket.name'],
    ['task.max', 'tasks.max'],
    ['producer.override.lingerms', 'producer.override.linger.ms'],
    ['consumer.override.isolation.levl', 'consumer.override.isolation.level'],
  ])('%s may mean %s', (setting, meant) => {
    expect(misspeltSettings([setting], declared)).toEqual([{ setting, meant }]);
  });

  it.each([
    'flush.messages',
    'tops',
    'a',
    's3.bucket',
    'transforms.flush.type',
    'producer.override.acks',
    'admin.override.own',
  ])('%s is none', (setting) => {
    expect(misspeltSettings([setting], declared)).toEqual([]);
  });

  it('what is given already is not meant once more', () => {
    expect(misspeltSettings(['topics', 'topic', 'tasks.max'], declared)).toEqual([]);
  });
});
