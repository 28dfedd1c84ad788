import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { unpacked } from './maven.ts';
import { type ServiceHandle, startService } from './service.ts';

const archive = 'io.apicurio:apicurio-registry-app:tar.gz:all:2.6.13.Final';

export interface SchemaRegistryOptions {
  /** Holds its log. */
  readonly folder: string;
  readonly port: number;
}

export interface SchemaRegistry {
  readonly service: ServiceHandle;
  /** Of Confluent's REST API, as `schema.registry.url` wants it. */
  readonly url: string;
}

/** Apicurio Registry, which speaks Confluent's API; it keeps its schemas in memory. Resolves when it answers. */
export async function startSchemaRegistry({ folder, port }: SchemaRegistryOptions): Promise<SchemaRegistry> {
  const home = await unpacked('apicurio', archive);
  const program = readdirSync(home).find((file) => file.endsWith('-runner.jar'));
  if (program === undefined) throw new Error(`${archive} holds no program`);
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`;
  const settings = ['quarkus.http.host=127.0.0.1', `quarkus.http.port=${port}`, 'quarkus.log.level=WARN'];
  const service = await startService({
    name: 'Schema registry',
    command: 'java',
    args: ['-Xmx512m', '-XX:TieredStopAtLevel=1', ...settings.map((one) => `-D${one}`), '-jar', join(home, program)],
    logFile: join(folder, 'schema-registry.log'),
    ready: async () => {
      const answer = await fetch(`${url}/subjects`, { signal: AbortSignal.timeout(2000) });
      if (!answer.ok) throw new Error(`The schema registry answered ${answer.status}`);
    },
  });
  return { service, url };
}
