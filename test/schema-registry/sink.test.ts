import { describe, expect, test } from 'vitest';
import { Sink, writeString } from '../../src/schema-registry/sink.ts';

const written = (text: string, room = 4096) => {
  const sink = new Sink();
  // Fills the slab up to the room that is left.
  sink.record((start) => start + 64 * 1024 - room);
  return Buffer.from(sink.record((start) => writeString(sink.bytes, start, text)));
};

/** The text's bytes behind their length, zigzag. */
function expected(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  const length: number[] = [];
  let rest = bytes.length * 2;
  for (; rest > 0x7f; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
  return Buffer.concat([Buffer.of(...length, rest), bytes]);
}

describe('writeString', () => {
  test.each([0, 1, 63, 64, 70, 127, 8191, 8192, 100_000])(
    'writes %i ASCII characters behind their length',
    (length) => {
      expect(written('a'.repeat(length))).toEqual(expected('a'.repeat(length)));
    },
  );

  test.each(['ü', 'é'.repeat(63), `${'a'.repeat(63)}é`, 'é'.repeat(64), '€'.repeat(3000), '🦊'.repeat(40)])(
    'writes text that is not ASCII as UTF-8 behind the number of its bytes',
    (text) => {
      expect(written(text)).toEqual(expected(text));
    },
  );

  test('writes a question mark for a lone surrogate, as Java does', () => {
    expect(written(`${'a'.repeat(80)}\ud800`)).toEqual(expected(`${'a'.repeat(80)}?`));
    expect(written('\udc00b')).toEqual(expected('?b'));
  });

  test('text that does not fit into what is left of a slab begins the next one', () => {
    for (const room of [1, 2, 69, 70, 71, 72, 73, 210, 215, 216]) {
      expect(written('a'.repeat(70), room)).toEqual(expected('a'.repeat(70)));
      expect(written('ü'.repeat(70), room)).toEqual(expected('ü'.repeat(70)));
    }
  });
});
