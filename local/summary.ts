import { join } from 'node:path';
import { shellWord } from '../cli/shell-words.ts';
import type { DemoReport } from './demo.ts';
import type { HookReport } from './demo-hook.ts';
import type { LocalStack } from './stack.ts';

/** What `npm start` prints in the end. Its commands can be pasted into a shell as they are. */
export function summary(stack: LocalStack, demo: DemoReport, hook: HookReport, home: string, tookMs: number): string {
  const { restUrl } = stack;
  const connectors = demo.connectors.map((connector) => {
    const tasks = connector.tasks.map((task) => `task ${task.id} ${task.state}`).join(', ');
    return `  ${connector.name.padEnd(12)} ${connector.type.padEnd(6)} ${connector.connector.state}; ${tasks}`;
  });
  return `
Drover is up after ${(tookMs / 1000).toFixed(1)} s.

${stack.consoleUrl === undefined ? '' : `  Console      ${stack.consoleUrl}\n`}  REST API     ${restUrl}
  Kafka        ${stack.bootstrapServers}
  AWS          ${stack.awsEndpoint} (${stack.region}, any credentials)

${connectors.join('\n')}
  ${demo.linesIn} lines in, ${demo.linesOut} lines out, equal
  From POST to the first record: source ${demo.sourceMs} ms, sink ${demo.sinkMs} ms
  demo-hook    source; a request is in ${hook.topic} when it is answered, after ${hook.answeredMs} ms

Look further:
  npm run -s drover get connectors
  curl -s ${shellWord(`${restUrl}/connectors?expand=status`)}
  curl -s ${restUrl}/connectors/demo-source/offsets
  curl -s ${restUrl}/connector-plugins
  echo 'one more' >> ${shellWord(demo.sourceFile)} && tail -f ${shellWord(demo.sinkFile)}
  curl -s ${hook.url} -H 'Content-Type: application/json' -d '{"hello":"Kafka"}'
  npm run logs rest

Endpoints are in ${join(home, 'stack.json')}, logs of Kafka and the emulator in ${join(home, 'run')};
npm run logs shows what the functions log (${Object.keys(stack.functions).join(', ')}; all, or those that are named).
npm stop ends it all.
`;
}
