import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type InProcessDrover, startInProcessDrover } from '../support/in-process-drover.ts';
import { type Answer, play } from './play-rest.ts';
import { conversations } from './rest-conversations.ts';

const recorded = JSON.parse(readFileSync(new URL('./rest-answers.json', import.meta.url), 'utf8')) as Record<
  string,
  Answer[]
>;

describe('REST as Java Connect answers it', () => {
  let drover: InProcessDrover;
  beforeAll(async () => {
    drover = await startInProcessDrover({ bootstrapServers: process.env.DROVER_TEST_KAFKA ?? '' });
  });
  afterAll(() => drover.close());

  it('has an answer of Java to each conversation; if not, run record-rest.ts', () => {
    expect(Object.keys(recorded)).toEqual(conversations.map(({ title }) => title));
  });

  it.each(conversations)('$title', async (conversation) => {
    const id = `drover-parity-${process.pid}-${conversations.indexOf(conversation)}`;
    const answers = await play(drover.url, conversation, id);
    for (const [index, expected] of (recorded[conversation.title] ?? []).entries()) {
      const { step, status, location, body } = answers[index]!;
      const seen = expected.body === 'an error' ? { step, status, body: 'an error' } : { step, status, location, body };
      expect(seen).toEqual(expected);
    }
  });
});
