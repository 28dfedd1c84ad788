import { setTimeout as sleep } from 'node:timers/promises';
import { createKafkaClient } from '../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../src/kafka/types.ts';
import type { Step } from './progress.ts';
import { call, failureOf, status } from './rest-client.ts';
import type { LocalStack } from './stack.ts';

export interface HookReport {
  /** Where the demo's webhook takes requests. */
  readonly url: string;
  readonly topic: string;
  /** From the request until it was answered: Kafka has its record then. In milliseconds. */
  readonly answeredMs: number;
}

const name = 'demo-hook';
const topic = 'drover-demo-hooks';
const giveUpMs = 60_000;

/** One request into Kafka: a connector fed by requests is created, a request is sent to it, and its record is there. */
export async function runHookDemo(stack: LocalStack, step: Step): Promise<HookReport> {
  const url = `${stack.playground.hooksUrl}/${name}`;
  return step('PUT a WebhookSource, POST to its hook, until Kafka has the record', async () => {
    await call(stack.restUrl, 'PUT', `/connectors/${name}/config`, {
      'connector.class': 'WebhookSource',
      'kafka.topic': topic,
      'http.auth.type': 'none',
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'value.converter.schemas.enable': 'false',
    });
    const kafka = createKafkaClient({ bootstrapServers: stack.bootstrapServers });
    try {
      const before = await recordsIn(kafka);
      const answeredMs = await post(stack.restUrl, url);
      if ((await recordsIn(kafka)) <= before) throw new Error(`${url} has answered, and ${topic} has no new record`);
      return { url, topic, answeredMs };
    } finally {
      await kafka.close();
    }
  });
}

/** Until it is there a hook answers 404 or 503. */
async function post(restUrl: string, url: string): Promise<number> {
  const giveUpAt = Date.now() + giveUpMs;
  for (;;) {
    const sentAt = Date.now();
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ hello: 'Kafka', at: new Date().toISOString() }),
    });
    const text = await answer.text();
    if (answer.ok) return Date.now() - sentAt;
    // Its status is not there at once.
    const known = await status(restUrl, name).catch(() => null);
    const failure = known === null ? null : failureOf(known);
    if (failure !== null) throw new Error(failure);
    if (Date.now() > giveUpAt) throw new Error(`${url} answers ${answer.status} after ${giveUpMs / 1000} s: ${text}`);
    await sleep(200);
  }
}

async function recordsIn(kafka: KafkaClient): Promise<number> {
  const [found] = await kafka.admin.describeTopics([topic]);
  const partitions = Array.from({ length: found?.partitions ?? 0 }, (_, partition) => ({ topic, partition }));
  if (partitions.length === 0) return 0;
  const ends = (await kafka.admin.endOffsets(partitions)).get(topic);
  return [...(ends?.values() ?? [])].reduce((sum, end) => sum + Number(end), 0);
}
