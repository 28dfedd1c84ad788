import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { kafkaVersion } from '../../../local/kafka.ts';
import { jars } from '../../../local/maven.ts';

const run = promisify(execFile);

/** Of AWS's own client for Java. */
export const sdkVersion = '2.32.23';

/**
 * A folder for a worker's `plugin.path`, with the source of test/bench/java/sqs. No connector for SQS was to be had from
 * Maven Central: Nordstrom's is not there, of Camel's the jars are missing. This one does what each of them must.
 */
export async function javaQueueSource(folder: string): Promise<string> {
  const [sdk, api] = await Promise.all([
    jars('aws-sqs', [`software.amazon.awssdk:sqs:${sdkVersion}`]),
    jars('connect-api', [`org.apache.kafka:connect-api:${kafkaVersion}`]),
  ]);
  const sources = join(import.meta.dirname, '..', 'java', 'sqs');
  const classes = join(folder, 'classes');
  const files = readdirSync(sources).map((file) => join(sources, file));
  await run('javac', ['--release', '17', '-d', classes, '-cp', `${join(sdk, '*')}:${join(api, '*')}`, ...files]);
  const plugin = join(folder, 'polled-queue');
  mkdirSync(plugin, { recursive: true });
  cpSync(sdk, plugin, { recursive: true });
  await run('jar', ['--create', '--file', join(plugin, 'polled-queue.jar'), '-C', classes, 'sqs']);
  return plugin;
}

export function javaQueueConfig(queueUrl: string, topic: string, endpoint: string, region: string) {
  return { 'connector.class': 'sqs.PolledQueue', 'tasks.max': '1', 'queue.url': queueUrl, topic, endpoint, region };
}
