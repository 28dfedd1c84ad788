import { describe } from 'vitest';
import { MemoryKafka } from '../../src/testing/memory-kafka.ts';
import { kafkaContract } from '../support/kafka-contract.ts';

const kafka = new MemoryKafka();

describe('the Kafka in memory', () => kafkaContract(() => kafka.client()));
