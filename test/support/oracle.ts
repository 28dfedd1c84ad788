import { oraclePlugins } from './oracle-config.ts';
import { answerLine } from './oracle-operations.ts';

/**
 * The data oracle: reads one JSON case a line from standard input and answers each with one line, in order, so that
 * converters, transformations, predicates and settings can be compared with Java Connect's own. `npm run -s oracle`.
 */
const plugins = oraclePlugins();
const decoder = new TextDecoder();
const batchSize = 256;
let rest = '';
let answers: string[] = [];

async function answer(line: string): Promise<void> {
  if (line.trim() === '') return;
  answers.push(`${JSON.stringify(await answerLine(plugins, line))}\n`);
  if (answers.length >= batchSize) await flush();
}

async function flush(): Promise<void> {
  const text = answers.join('');
  answers = [];
  if (text !== '' && !process.stdout.write(text)) await new Promise((resolve) => process.stdout.once('drain', resolve));
}

for await (const chunk of process.stdin) {
  const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) await answer(line);
  await flush();
}
await answer(rest);
await flush();
