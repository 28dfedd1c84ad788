import { createKafkaClient } from '../src/kafka/kafka-client.ts';
import { mskRegion } from '../src/kafka/msk-iam.ts';
import type { KafkaSecurity } from '../src/kafka/security.ts';
import type { KafkaClient } from '../src/kafka/types.ts';
import { workerSecurity } from '../src/kafka/worker-security.ts';
import { clock, environment, telemetry } from './function-context.ts';
import { fetchSecret } from './secrets.ts';

/** Where the cluster is, and who we are to it. */
export async function kafkaAccess() {
  const bootstrapServers = environment['bootstrap.servers'].join(',');
  const secretId = environment['drover.security.secret'];
  const security = workerSecurity({
    protocol: environment['security.protocol'],
    mechanism: environment['sasl.mechanism'],
    region: mskRegion(bootstrapServers) ?? process.env.AWS_REGION ?? 'us-east-1',
    secret: secretId === null ? null : (await fetchSecret(secretId)).text,
  });
  keepFromLogs(security);
  return { bootstrapServers, security, clientId: environment['group.id'] };
}

/** Nobody prints these; should an error of a broker or a library do so, neither log nor status shows them. */
function keepFromLogs({ sasl, tls }: KafkaSecurity): void {
  if (sasl !== undefined && 'password' in sasl) telemetry.secrets.add(sasl.password);
  if (tls?.key !== undefined) telemetry.secrets.add(tls.key);
  if (tls?.passphrase !== undefined) telemetry.secrets.add(tls.passphrase);
}

/** One client for the execution environment; its connections outlive a run. */
export async function connectKafka(patience: { readonly apiTimeoutMs?: number } = {}): Promise<KafkaClient> {
  return createKafkaClient({
    ...(await kafkaAccess()),
    files: environment.files,
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
