import { describe, expect, it } from 'vitest';
import { topicGroups } from '../../../src/config/topic-creation-config.ts';

const fallback = {
  'topic.creation.default.partitions': '2',
  'topic.creation.default.replication.factor': '3',
  'topic.creation.default.cleanup.policy': 'compact',
};

const groupOf = (config: Record<string, string>, topic: string) =>
  topicGroups(config).find((group) => group.matches(topic));

describe('topicGroups (KIP-158)', () => {
  it('are none without topic.creation settings: the broker creates topics', () => {
    expect(topicGroups({ topic: 'x' })).toEqual([]);
  });

  it('fall back on the default group, which takes every topic', () => {
    expect(groupOf(fallback, 'any\nthing')).toMatchObject({
      name: 'default',
      partitions: 2,
      replicationFactor: 3,
      configs: { 'cleanup.policy': 'compact' },
    });
  });

  it('are tried in order, by include and exclude, and inherit partitions and replication but no configs', () => {
    const config = {
      ...fallback,
      'topic.creation.groups': 'logs, all',
      'topic.creation.logs.include': 'log-.*, audit',
      'topic.creation.logs.exclude': '.*-private',
      'topic.creation.logs.partitions': '9',
      'topic.creation.logs.retention.ms': '1000',
      'topic.creation.all.include': '.*',
      'topic.creation.all.replication.factor': '-1',
    };
    expect(groupOf(config, 'log-a')).toMatchObject({
      name: 'logs',
      partitions: 9,
      replicationFactor: 3,
      configs: { 'retention.ms': '1000' },
    });
    expect(groupOf(config, 'audit')!.name).toBe('logs');
    expect(groupOf(config, 'audits')!.name).toBe('all');
    expect(groupOf(config, 'log-a-private')).toMatchObject({ name: 'all', partitions: 2, replicationFactor: -1 });
  });

  it('name a missing or unreadable setting', () => {
    const { 'topic.creation.default.partitions': _left, ...rest } = fallback;
    expect(() => topicGroups(rest)).toThrow('topic.creation.default.partitions');
    expect(() => topicGroups({ ...fallback, 'topic.creation.default.partitions': 'x' })).toThrow(
      'topic.creation.default.partitions',
    );
    const bad = { ...fallback, 'topic.creation.groups': 'a', 'topic.creation.a.include': '(' };
    expect(() => topicGroups(bad)).toThrow('topic.creation.a.include');
  });
});
