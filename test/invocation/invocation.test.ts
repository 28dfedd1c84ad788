import { describe, expect, it } from 'vitest';
import {
  parseCoordinatorInvocation,
  parseMirrorInvocation,
  parseTaskInvocation,
} from '../../src/invocation/invocation.ts';

describe('an invocation of the task function', () => {
  it.each([
    [{ kind: 'probe', more: 1 }, { kind: 'probe' }],
    [
      { kind: 'connector', connector: 'ü' },
      { kind: 'connector', connector: 'ü' },
    ],
    [
      { kind: 'task', connector: 'a', task: 0, other: 1 },
      { kind: 'task', connector: 'a', task: 0 },
    ],
    [
      { kind: 'import', start: 'stopped' },
      {
        kind: 'import',
        start: 'stopped',
        configs: null,
        offsets: null,
        connectors: null,
        group: null,
        whileRunning: false,
        dryRun: false,
      },
    ],
    [
      {
        kind: 'import',
        start: 'as-was',
        configs: 'c',
        offsets: 'o',
        connectors: ['a'],
        group: 'g',
        whileRunning: true,
        dryRun: true,
      },
      {
        kind: 'import',
        start: 'as-was',
        configs: 'c',
        offsets: 'o',
        connectors: ['a'],
        group: 'g',
        whileRunning: true,
        dryRun: true,
      },
    ],
  ])('%j is read once', (event, invocation) => {
    expect(parseTaskInvocation(event)).toEqual(invocation);
  });

  it.each([
    [null, 'no object'],
    ['task', 'no object'],
    [{}, 'kind is undefined'],
    [{ kind: 'other' }, 'kind is "other"'],
    [{ kind: 'tick' }, 'kind is "tick"'],
    [{ kind: 'task', connector: 1 }, 'connector is no string'],
    [{ kind: 'task', connector: 'a', task: '1' }, 'task is no whole number'],
    [{ kind: 'task', connector: 'a', task: -1 }, 'task is no whole number'],
    [{ kind: 'import' }, '"start"'],
    [{ kind: 'import', start: 'running' }, '"start"'],
    [{ kind: 'import', start: 'stopped', offsets: 3 }, '"offsets"'],
    [{ kind: 'import', start: 'stopped', configs: '' }, '"configs"'],
    [{ kind: 'import', start: 'stopped', connectors: 'a' }, '"connectors"'],
    [{ kind: 'import', start: 'stopped', connectors: [1] }, '"connectors"'],
    [{ kind: 'import', start: 'stopped', group: '' }, '"group"'],
    [{ kind: 'import', start: 'stopped', dryRun: 'yes' }, '"dryRun"'],
    [{ kind: 'import', start: 'stopped', whileRunning: 1 }, '"whileRunning"'],
  ])('%j is refused: %s', (event, why) => {
    expect(() => parseTaskInvocation(event)).toThrow(
      expect.objectContaining({ code: 'invocation.invalid', message: expect.stringContaining(why) }),
    );
  });
});

describe('an invocation of the coordinator', () => {
  const change = { eventSource: 'aws:dynamodb', dynamodb: { SequenceNumber: '1' } };

  it.each([
    [{ kind: 'tick' }, { kind: 'tick' }],
    [{ kind: 'sub-minute-tick', more: 1 }, { kind: 'sub-minute-tick' }],
    [
      { kind: 'sub-minute-tick', deaths: 1 },
      { kind: 'sub-minute-tick', deaths: 1 },
    ],
    [
      { kind: 'shard-tick', shard: 3, more: 1 },
      { kind: 'shard-tick', shard: 3 },
    ],
    [{ Records: [change] }, { kind: 'table-stream', records: [change] }],
    [{ drover: { wake: ['a'] } }, { kind: 'wake-up', connectors: ['a'] }],
    [{ Records: [{ body: '{"drover":{"wake":["a"]}}' }] }, { kind: 'wake-up', connectors: ['a'] }],
    [{ kind: 'other' }, { kind: 'wake-up', connectors: [] }],
    [{ Records: [] }, { kind: 'wake-up', connectors: [] }],
    [null, { kind: 'wake-up', connectors: [] }],
  ])('%j is read once', (event, invocation) => {
    expect(parseCoordinatorInvocation(event, new Map())).toEqual(invocation);
  });

  it("of the table's stream, or a wish to write all of it again, is all that the mirror takes", () => {
    expect(parseMirrorInvocation({ Records: [change] })).toEqual({ kind: 'table-stream', records: [change] });
    expect(parseMirrorInvocation({ kind: 'project' })).toEqual({ kind: 'project' });
    expect(() => parseMirrorInvocation({ drover: { wake: ['a'] } })).toThrow("the table's stream");
  });
});
