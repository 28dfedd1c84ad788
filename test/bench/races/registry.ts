import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FakeSchemaRegistry } from '../../support/schema-registry.ts';

/**
 * One registry for both arms: its schemas and their ids are the same, whether asked as Confluent's registry, which
 * Drover's converters do, or as Apicurio's, which the Java converter does that Maven's central repository has.
 */
export interface RaceRegistry {
  /** Of Confluent's API. */
  readonly confluentUrl: string;
  /** Of Apicurio's API, version 2. */
  readonly apicurioUrl: string;
  /** The id of a schema, registered if it is new. */
  register(subject: string, schema: string): number;
  stop(): Promise<void>;
}

export async function startRaceRegistry(): Promise<RaceRegistry> {
  const confluent = await FakeSchemaRegistry.start({ compatibility: 'NONE' });
  const texts = new Map<number, string>();
  const register = (subject: string, schema: string) => {
    const id = confluent.add(subject, schema);
    texts.set(id, schema);
    return id;
  };
  const answer = (method: string, path: string, artifactId: string, body: string): unknown => {
    // Ids of contents and of versions are one here, as they are in Confluent's.
    const [, id, references] = /\/ids\/(?:contentIds|globalIds)\/(\d+)(\/references)?\/?$/.exec(path) ?? [];
    if (method === 'GET' && id !== undefined) return references === undefined ? texts.get(Number(id)) : [];
    if (method === 'POST' && /\/groups\/[^/]+\/artifacts$/.test(path)) {
      const given = body.startsWith('{"content"') ? (JSON.parse(body) as { content: string }).content : body;
      const contentId = register(artifactId, given);
      return {
        groupId: null,
        id: artifactId,
        name: artifactId,
        version: '1',
        type: 'AVRO',
        contentId,
        globalId: contentId,
      };
    }
    return undefined;
  };
  const server = createServer(async (request, response) => {
    const body = await textOf(request);
    const { pathname } = new URL(request.url ?? '/', 'http://registry');
    const artifactId = String(request.headers['x-registry-artifactid'] ?? '');
    const found = answer(request.method ?? 'GET', pathname, artifactId, body);
    response.writeHead(found === undefined ? 404 : 200, { 'Content-Type': 'application/json' });
    response.end(typeof found === 'string' ? found : JSON.stringify(found ?? { error_code: 404, message: pathname }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    confluentUrl: confluent.url,
    apicurioUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/apis/registry/v2`,
    register,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await confluent.stop();
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
