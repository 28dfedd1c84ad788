import { createKafkaClient } from '../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../src/kafka/types.ts';
import { workerSecurity } from '../src/kafka/worker-security.ts';
import { clock, environment } from './function-context.ts';
import { fetchSecret } from './secrets.ts';

/** One client for the execution environment; its connections outlive a run. */
export async function connectKafka(): Promise<KafkaClient> {
  const secretId = environment['drover.security.secret'];
  const security = workerSecurity({
    protocol: environment['security.protocol'],
    mechanism: environment['sasl.mechanism'],
    region: process.env.AWS_REGION ?? 'us-east-1',
    secret: secretId === null ? null : await fetchSecret(secretId),
  });
  return createKafkaClient({
    bootstrapServers: environment['bootstrap.servers'].join(','),
    security,
    clientId: environment['group.id'],
    clock,
  });
}
