import type { Answer, Call } from './route.ts';

export async function getRoot({ herder }: Call): Promise<Answer> {
  const { version, commit, kafkaClusterId } = await herder.cluster();
  return { body: { version, commit, kafka_cluster_id: kafkaClusterId } };
}

/** KIP-1017. Whoever can answer this can reach the table, which is all that the API needs. */
export async function getHealth({ herder }: Call): Promise<Answer> {
  await herder.cluster();
  return { body: { status: 'healthy', message: 'Worker has completed startup and is ready to handle requests.' } };
}
