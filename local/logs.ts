import { setTimeout as sleep } from 'node:timers/promises';
import { functionLog } from './function-logs.ts';
import { localSettings } from './settings.ts';
import { type LocalStack, readStack } from './stack.ts';

type Name = keyof LocalStack['functions'];

/** `npm run logs [function] [-- --follow]`: what the functions of the local stack have logged. */
async function main(args: readonly string[]): Promise<void> {
  const stack = readStack(localSettings().home);
  if (stack === null) throw new Error('The local stack is not up: npm start');
  const known = Object.keys(stack.functions) as Name[];
  const asked = args.filter((arg) => !arg.startsWith('-'));
  const unknown = asked.find((name) => !(known as string[]).includes(name));
  if (unknown !== undefined) throw new Error(`There is no function ${unknown}: there are ${known.join(', ')}`);
  const names = asked.length === 0 ? known : (asked as Name[]);
  const seen = new Map(names.map((name) => [name, 0]));
  do {
    for (const name of names) {
      // Lines of one millisecond come in one piece: what was printed is counted, not its time.
      const lines = await functionLog(stack, name);
      for (const { message } of lines.slice(seen.get(name))) process.stdout.write(`${name.padEnd(11)} ${message}\n`);
      seen.set(name, lines.length);
    }
    if (args.includes('--follow')) await sleep(1000);
  } while (args.includes('--follow'));
}

await main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
