import { describe } from 'vitest';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { kafkaContract } from '../support/kafka-contract.ts';
import { kafkaAddress } from '../support/services.ts';

describe('a real Kafka and its client', () =>
  kafkaContract(() => createKafkaClient({ bootstrapServers: kafkaAddress() })));
