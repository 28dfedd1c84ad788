import { homeFolder } from './folders.ts';
import type { StackOptions } from './stack.ts';

/** Where `npm start` puts things; every port and folder can be moved, so that two checkouts run side by side. */
export function localSettings(): Omit<StackOptions, 'step'> {
  return {
    home: homeFolder,
    region: process.env.DROVER_REGION ?? 'us-east-1',
    ports: {
      kafka: port('DROVER_KAFKA_PORT', 9092),
      kafkaController: port('DROVER_KAFKA_CONTROLLER_PORT', 9093),
      aws: port('DROVER_AWS_PORT', 4566),
      rest: port('DROVER_REST_PORT', 8083),
    },
  };
}

function port(variable: string, fallback: number): number {
  const text = process.env[variable];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65_535) {
    throw new Error(`${variable} is "${text}": it must be a port, 1 to 65535`);
  }
  return value;
}
