import { runMain } from './main.ts';
import { localSettings } from './settings.ts';
import { stopStack } from './stack.ts';

await runMain(async () => {
  const stopped = await stopStack(localSettings().home);
  process.stdout.write(stopped ? 'Stopped.\n' : 'Nothing was running.\n');
});
