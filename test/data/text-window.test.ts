import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextWindow } from '../../src/data/text-window.ts';
import { utf8Text } from '../../src/java/utf8.ts';

describe('TextWindow', () => {
  it('cuts any text out of any buffer as if it were decoded alone', () => {
    const piece = fc.oneof(
      fc.string({ maxLength: 200, unit: 'binary-ascii' }).map((text) => Buffer.from(text)),
      fc.string({ maxLength: 50, unit: 'grapheme' }).map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes)),
      fc.constant(Buffer.alloc(1100, 0x61)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), fc.nat({ max: 7 }), (pieces, shift) => {
        const memory = Buffer.concat([Buffer.alloc(shift, 0xff), ...pieces]);
        const buffer = memory.subarray(shift);
        const window = new TextWindow();
        let at = 0;
        for (const { length } of pieces) {
          expect(window.read(buffer, at, at + length)).toBe(utf8Text(buffer.subarray(at, at + length)));
          at += length;
        }
      }),
    );
  });

  it('goes back and forth over more than it holds at once, and over another buffer', () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `line ${String(i).padStart(15, '0')}`);
    const buffer = Buffer.from(lines.join(''));
    const other = Buffer.from(buffer).fill('x');
    const window = new TextWindow();
    for (let i = 0; i < lines.length; i += 7) {
      const index = (i * 31) % lines.length;
      expect(window.read(buffer, index * 20, index * 20 + 20)).toBe(lines[index]);
      if (i % 70 === 0) expect(window.read(other, index * 20, index * 20 + 20)).toBe('x'.repeat(20));
    }
  });
});
