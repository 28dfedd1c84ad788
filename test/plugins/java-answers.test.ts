import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { anyErrorWillDo, comparable } from '../support/compare-answers.ts';
import type { JsonRecord } from '../support/oracle-codec.ts';
import { oraclePlugins } from '../support/oracle-config.ts';
import { answerLine } from '../support/oracle-operations.ts';

const lines = readFileSync(new URL('../support/fixtures/java-answers.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n');
const cases = lines.map((line) => JSON.parse(line) as [JsonRecord, JsonRecord]);
const plugins = oraclePlugins();

describe('the answers that Java Connect 4.3 gave', () => {
  const operations = [...new Set(cases.map(([request]) => String(request.op)))];

  it.each(operations)('%s gives the same for every recorded case', async (operation) => {
    const differing: string[] = [];
    const chosen = cases.filter(([request]) => request.op === operation);
    for (const [request, expected] of chosen) {
      const actual = await answerLine(plugins, JSON.stringify(request));
      if (anyErrorWillDo(expected) && actual.error !== undefined) continue;
      const [java, ours] = [comparable(expected), comparable(actual)].map((side) => JSON.stringify(side));
      if (java !== ours) differing.push(`${JSON.stringify(request)}\n  Java ${java}\n  ours ${ours}`);
    }
    expect(chosen.length).toBeGreaterThan(0);
    expect(differing).toEqual([]);
  });

  it('answers a line that is not JSON with an error and goes on', async () => {
    expect(await answerLine(plugins, '{"id": "x", ')).toMatchObject({ error: { phase: 'input' } });
  });
});
