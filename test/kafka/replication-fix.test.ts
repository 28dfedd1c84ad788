import { expect, it } from 'vitest';
import { kafkaError, kafkaErrors, replicationFix } from '../../src/kafka/errors.ts';

it('too few brokers for a replication factor are told with the setting that mends it, and nothing else is', () => {
  const subject = { doing: 'create', topic: 'q' };
  const refused = kafkaError(kafkaErrors.INVALID_REPLICATION_FACTOR, subject);
  const setting = 'errors.deadletterqueue.topic.replication.factor';
  expect(replicationFix(refused, setting)).toContain(`Set ${setting}=1`);
  expect(replicationFix(kafkaError(kafkaErrors.INVALID_TOPIC, subject), setting)).toBe('');
  expect(replicationFix(new Error('other'), setting)).toBe('');
});
