import type { Command } from 'commander';
import { droverVersion } from '../../src/version.ts';
import { recordOf } from '../connect-api.ts';
import { isRecord } from '../json.ts';
import { age } from '../output.ts';
import { type CommandContext, run } from '../session.ts';

export function addInfo(program: Command, context: CommandContext): void {
  program
    .command('info')
    .summary('which installation this is, and its versions')
    .action(
      run(context, async (session) => {
        const { restUrl, auth } = await session.installation();
        const rest = await session.rest();
        const [root, own] = await Promise.all([rest.get('/'), rest.find('/drover')]);
        const { version, commit, kafka_cluster_id: cluster } = recordOf(root, 'its version');
        const mirror = isRecord(own) && isRecord(own.mirror) ? own.mirror : null;
        if (
          session.value({
            url: restUrl,
            auth,
            version,
            commit,
            kafka_cluster_id: cluster,
            client: droverVersion,
            mirror,
          })
        )
          return;
        session.facts([
          ['URL', restUrl],
          ['Authorisation', auth],
          ['Kafka Connect', String(version)],
          ['Build', String(commit)],
          ['Kafka cluster', String(cluster ?? 'not known yet')],
          ['Mirror', mirror === null ? null : `${age(Number(mirror.lag_ms ?? 0))} behind`],
          ['This program', droverVersion],
        ]);
      }),
    );
}
