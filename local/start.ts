import { join } from 'node:path';
import { runDemo } from './demo.ts';
import { runHookDemo } from './demo-hook.ts';
import { runMain } from './main.ts';
import { checkPrograms } from './programs.ts';
import { printedStep } from './progress.ts';
import { localSettings } from './settings.ts';
import { isStackUp, startStack, stopStack } from './stack.ts';
import { summary } from './summary.ts';

const startedAt = Date.now();

async function main(): Promise<void> {
  const settings = localSettings();
  // What was up before this start outlives it, however it ends.
  const wasUp = isStackUp(settings);
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      if (stopping) return;
      stopping = true;
      if (wasUp) {
        process.stderr.write(`\n${signal}: the stack that was up stays; npm stop ends it\n`);
        process.exit(130);
      }
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
    const demos = async () => ({
      files: await runDemo(stack.restUrl, join(settings.home, 'demo'), printedStep),
      hook: await runHookDemo(stack, printedStep),
    });
    const { files, hook } = await demos().catch(async (error) => {
      if (!wasUp && process.env.DROVER_KEEP === undefined) await stopStack(settings.home);
      throw error;
    });
    process.stdout.write(summary(stack, files, hook, settings.home, Date.now() - startedAt));
  } catch (error) {
    if (!stopping) throw error;
  }
}

await runMain(main);
