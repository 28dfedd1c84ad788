/** Apart from what starts the services, for the processes of crash tests. */

/** `host:port` of the shared broker. It creates topics by itself; choose names nobody else uses. */
export function kafkaAddress(): string {
  return named('DROVER_TEST_KAFKA');
}

/** URL of the shared emulator's DynamoDB; any credentials and region do. */
export function dynamoDbEndpoint(): string {
  return named('DROVER_TEST_DYNAMODB');
}

function named(variable: string): string {
  const value = process.env[variable];
  if (value === undefined) throw new Error(`${variable} is not set: run this test through vitest, which starts it`);
  return value;
}
