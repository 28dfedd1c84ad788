import type { RegexNode } from './regex-parse.ts';

/** Texts up to this length are matched without a watchdog: the longest topic name has 249 characters. */
export const quickTextLength = 300;

/** Two repetitions one behind the other stay below it, and cost a few million steps at worst. */
const mostWays = 100_000;

/**
 * Whether a pattern is certain not to run away on a short text: there are few ways to match one at all. What this does
 * not see is no error: it is matched under a watchdog.
 */
export function isQuick(root: RegexNode): boolean {
  return ways(root) <= mostWays;
}

/** In how many ways, at most, an engine that backtracks may get through a node from where it stands. */
function ways(node: RegexNode): number {
  switch (node.kind) {
    case 'alternatives':
      return node.options.reduce((sum, option) => sum + ways(option), 0);
    case 'sequence':
      return node.items.reduce((product, item) => product * ways(item), 1);
    case 'group':
    case 'plain':
      return ways(node.body);
    case 'repeat':
      return waysToRepeat(node);
    case 'lineBreak':
      return 2;
    case 'character':
    case 'set':
    case 'any':
    case 'anchor':
      return 1;
    default:
      return Number.POSITIVE_INFINITY;
  }
}

function waysToRepeat({ body, min, max, mode }: Extract<RegexNode, { kind: 'repeat' }>): number {
  if (max === min) return ways(body) ** min;
  const oneCharacter = body.kind === 'character' || body.kind === 'set' || body.kind === 'any';
  if (mode === 'possessive' || !oneCharacter) return Number.POSITIVE_INFINITY;
  return Math.min(max === null ? quickTextLength : max - min, quickTextLength) + 1;
}
