import { join } from 'node:path';
import { type DemoReport, runDemo } from './demo.ts';
import { checkPrograms } from './programs.ts';
import { printedStep } from './progress.ts';
import { localSettings } from './settings.ts';
import { type LocalStack, startStack, stopStack } from './stack.ts';

const startedAt = Date.now();

async function main(): Promise<void> {
  const settings = localSettings();
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      if (stopping) return;
      stopping = true;
      process.stderr.write(`\n${signal}: ending what was started\n`);
      // Twice: what was about to be started meanwhile is there by then.
      void stopStack(settings.home)
        .then(() => stopStack(settings.home))
        .finally(() => process.exit(130));
    });
  }
  try {
    await checkPrograms();
    const stack = await startStack({ ...settings, step: printedStep });
    const demo = await runDemo(stack.restUrl, join(settings.home, 'demo'), printedStep).catch(async (error) => {
      if (process.env.DROVER_KEEP === undefined) await stopStack(settings.home);
      throw error;
    });
    process.stdout.write(summary(stack, demo, settings.home));
  } catch (error) {
    if (stopping) return;
    process.stderr.write(`\n${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}

function summary(stack: LocalStack, demo: DemoReport, home: string): string {
  const { restUrl } = stack;
  const connectors = demo.connectors.map((connector) => {
    const tasks = connector.tasks.map((task) => `task ${task.id} ${task.state}`).join(', ');
    return `  ${connector.name.padEnd(12)} ${connector.type.padEnd(6)} ${connector.connector.state}; ${tasks}`;
  });
  return `
Drover is up after ${((Date.now() - startedAt) / 1000).toFixed(1)} s.

  REST API     ${restUrl}
  Kafka        ${stack.bootstrapServers}
  AWS          ${stack.awsEndpoint} (${stack.region}, any credentials)

${connectors.join('\n')}
  ${demo.linesIn} lines in, ${demo.linesOut} lines out, equal
  From POST to the first record: source ${demo.sourceMs} ms, sink ${demo.sinkMs} ms

Look further:
  curl -s ${restUrl}/connectors?expand=status
  curl -s ${restUrl}/connectors/demo-source/offsets
  curl -s ${restUrl}/connector-plugins
  echo 'one more' >> ${demo.sourceFile} && tail -f ${demo.sinkFile}
  npm run logs rest

Endpoints are in ${join(home, 'stack.json')}, logs of Kafka and the emulator in ${join(home, 'run')};
npm run logs shows what the functions log (rest, coordinator, task, mirror; all, or those that are named).
npm stop ends it all.
`;
}

await main();
