import { localSettings } from './settings.ts';
import { stopStack } from './stack.ts';

const stopped = await stopStack(localSettings().home);
process.stdout.write(stopped ? 'Stopped.\n' : 'Nothing was running.\n');
