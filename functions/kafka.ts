import { createKafkaClient } from '../src/kafka/kafka-client.ts';
import { mskRegion } from '../src/kafka/msk-iam.ts';
import type { KafkaClient } from '../src/kafka/types.ts';
import { workerSecurity } from '../src/kafka/worker-security.ts';
import { clock, environment } from './function-context.ts';
import { fetchSecret } from './secrets.ts';

/** Where the cluster is, and who we are to it. */
export async function kafkaAccess() {
  const bootstrapServers = environment['bootstrap.servers'].join(',');
  const secretId = environment['drover.security.secret'];
  const security = workerSecurity({
    protocol: environment['security.protocol'],
    mechanism: environment['sasl.mechanism'],
    region: mskRegion(bootstrapServers) ?? process.env.AWS_REGION ?? 'us-east-1',
    secret: secretId === null ? null : await fetchSecret(secretId),
  });
  return { bootstrapServers, security, clientId: environment['group.id'] };
}

/** One client for the execution environment; its connections outlive a run. */
export async function connectKafka(patience: { readonly apiTimeoutMs?: number } = {}): Promise<KafkaClient> {
  return createKafkaClient({
    ...(await kafkaAccess()),
    ...unpackedBound(process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE),
    ...patience,
    clock,
  });
}

/** An eighth of the function's memory: unpacking takes room more than once, and the run needs some too. */
function unpackedBound(memoryMb: string | undefined): { maxUnpackedBytes?: number } {
  const bytes = (Number(memoryMb ?? '') * 1024 * 1024) / 8;
  return bytes > 0 ? { maxUnpackedBytes: bytes } : {};
}
