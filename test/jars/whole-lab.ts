import { afterAll, beforeAll, vi } from 'vitest';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { startPrivateBroker } from '../support/services.ts';
import { type Database, startMariaDb, startPostgres } from './databases.ts';
import { type DeployedLab, openDeployedLab } from './deployed-lab.ts';
import { longest } from './lab.ts';

interface Beside {
  readonly postgres: Database;
  readonly mariaDb: Database;
  /** A cluster of one broker, which MirrorMaker copies. */
  readonly far: { readonly bootstrapServers: string; readonly kafka: KafkaClient };
}

/** The deployed stack, and what its connectors read from and write to besides. */
export type WholeLab = Beside & DeployedLab;

/** Opens it once for all tests of the file: what is asked of it is asked within tests. */
export function openWholeLab(plugins: readonly (() => Promise<string>)[]): WholeLab {
  const owned = new AsyncDisposableStack();
  let open: WholeLab | undefined;
  vi.setConfig({ testTimeout: longest });

  beforeAll(async () => {
    const own = async <T extends AsyncDisposable>(starting: Promise<T>) => owned.use(await starting);
    const [folders, postgres, mariaDb, { bootstrapServers }] = await Promise.all([
      Promise.all(plugins.map((found) => found())),
      own(startPostgres()),
      own(startMariaDb()),
      own(startPrivateBroker()),
    ]);
    const kafka = createKafkaClient({ bootstrapServers });
    owned.defer(() => kafka.close());
    const deployed = await own(openDeployedLab(folders));
    open = { ...deployed, postgres, mariaDb, far: { bootstrapServers, kafka } };
  }, 400_000);

  afterAll(() => owned.disposeAsync());

  return new Proxy({} as WholeLab, {
    get: (_, part) => {
      if (open === undefined) throw new Error('The lab is open within tests');
      return Reflect.get(open, part);
    },
  });
}
