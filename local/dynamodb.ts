import { join } from 'node:path';
import { jars } from './maven.ts';
import { askOnce } from './ports.ts';
import { type ServiceHandle, startService } from './service.ts';

const artifacts = ['com.amazonaws:DynamoDBLocal:2.6.1'];

export function dynamoDbJars(): Promise<string> {
  return jars('dynamodb', artifacts);
}

/** Amazon's own DynamoDB Local, in memory: what the storage tests hold against. */
export async function startDynamoDb(options: { folder: string; port: number }): Promise<ServiceHandle> {
  const libraries = await dynamoDbJars();
  const main = 'com.amazonaws.services.dynamodbv2.local.main.ServerRunner';
  return await startService({
    name: 'DynamoDB Local',
    command: 'java',
    args: [
      '-Xmx512m',
      `-Djava.library.path=${libraries}`,
      '-DDDBLocal_TELEMETRY=0',
      '-cp',
      join(libraries, '*'),
      main,
      ...['-inMemory', '-disableTelemetry', '-port', String(options.port)],
    ],
    logFile: join(options.folder, 'dynamodb.log'),
    ready: () => askOnce(options.port, Buffer.from('GET / HTTP/1.0\r\nHost: localhost\r\n\r\n'), 1000),
  });
}
