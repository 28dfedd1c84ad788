import { KafkaJsControlPlane } from '../../src/kafka/control-plane.ts';
import { kafkaAddress } from './services.ts';

/** The configs of a topic on the shared broker; undefined where there is none. */
export async function topicConfigs(topic: string): Promise<Map<string, string | null> | undefined> {
  const controlPlane = new KafkaJsControlPlane({ bootstrapServers: kafkaAddress() });
  try {
    return (await controlPlane.describeTopicConfigs([topic])).get(topic);
  } finally {
    await controlPlane.close();
  }
}
