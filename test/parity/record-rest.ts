import { writeFileSync } from 'node:fs';
import { type Answer, play } from './play-rest.ts';
import { conversations } from './rest-conversations.ts';

/** `node test/parity/record-rest.ts http://host:port`: what a Java Connect worker answers becomes rest-answers.json. */
const base = process.argv[2];
if (base === undefined) throw new Error('Name the URL of a Kafka Connect worker');
const answers: Record<string, Answer[]> = {};
for (const [index, conversation] of conversations.entries()) {
  answers[conversation.title] = await play(base, conversation, `drover-parity-${Date.now().toString(36)}-${index}`);
}
writeFileSync(new URL('./rest-answers.json', import.meta.url), `${JSON.stringify(answers, null, 1)}\n`);
