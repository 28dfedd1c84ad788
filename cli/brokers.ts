import { readFileSync } from 'node:fs';
import { createKafkaClient } from '../src/kafka/kafka-client.ts';
import { type KafkaSecurity, plaintext, securityFromProperties } from '../src/kafka/security.ts';
import type { KafkaClient } from '../src/kafka/types.ts';
import { CliError, exitCodes, messageOf, usageError } from './faults.ts';

/** Brokers that this machine asks itself, with the user's own rights. */
export interface Brokers {
  readonly bootstrapServers: string;
  /** File of Kafka's client properties, as its own tools take them; null: plaintext. */
  readonly commandConfig: string | null;
}

export function connectKafka({ bootstrapServers, commandConfig }: Brokers): KafkaClient {
  return createKafkaClient({
    bootstrapServers,
    security: commandConfig === null ? plaintext : securityOf(commandConfig),
    clientId: 'drover-cli',
    connectTimeoutMs: 10_000,
    apiTimeoutMs: 15_000,
  });
}

export const unreachableBrokers = (what: string, { bootstrapServers }: Brokers, error: unknown) =>
  new CliError(
    `${what} cannot be read from ${bootstrapServers}: ${messageOf(error)}. ` +
      'The brokers must be within reach of this machine: --bootstrap-servers, and --command-config for what they ask',
    exitCodes.unreachable,
  );

function securityOf(file: string): KafkaSecurity {
  try {
    return securityFromProperties(parseProperties(readFileSync(file, 'utf8')));
  } catch (error) {
    throw usageError(`--command-config ${file}: ${messageOf(error)}`);
  }
}

/** Java's properties as people write them for Kafka's tools: `key=value`, comments, a backslash at the end of a line. */
export function parseProperties(text: string): Record<string, string> {
  const lines = text.replaceAll(/\\\r?\n[ \t]*/g, '').split(/\r?\n/);
  return Object.fromEntries(
    lines
      .map((line) => line.trim())
      .filter((line) => line !== '' && !/^[#!]/.test(line))
      .map((line): [string, string] => {
        const match = /^([^\s:=]+)\s*[:=]?\s*(.*)$/s.exec(line)!;
        return [match[1]!, match[2]!];
      }),
  );
}
