import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { FileLines } from '../../../connectors/file/file-lines.ts';

const folder = mkdtempSync(join(tmpdir(), 'drover-lines-'));
const path = join(folder, 'lines.txt');
let file: FileHandle;

async function linesOf(text: string, position = 0): Promise<FileLines> {
  writeFileSync(path, text);
  file = await open(path, 'r');
  return new FileLines(file, position);
}

afterEach(() => file.close());
afterAll(() => rmSync(folder, { recursive: true }));

describe('FileLines', () => {
  it.each([
    ['plain lines', 'a\nb\n', ['a', 'b'], [2, 4]],
    ['empty lines', '\n\na\n', ['', '', 'a'], [1, 2, 4]],
    ['carriage return and line feed', 'a\r\nb\r\n', ['a', 'b'], [3, 6]],
    ['a carriage return inside', 'a\rb\n', ['a', 'b'], [2, 4]],
    ['a carriage return at the end, which something may follow', 'a\nb\r', ['a'], [2]],
    ['a last line without its end', 'a\nb', ['a'], [2]],
    ['positions in bytes', 'é\n€\n😀\n', ['é', '€', '😀'], [3, 7, 12]],
    ['nothing', '', [], []],
  ])('reads %s', async (_what, text, texts, ends) => {
    expect(await (await linesOf(text)).next(10)).toEqual({ texts, ends });
  });

  it('returns at most as many as asked, then the rest', async () => {
    const lines = await linesOf('a\nb\nc\n');
    expect((await lines.next(2)).texts).toEqual(['a', 'b']);
    expect(lines.position).toBe(4);
    expect((await lines.next(2)).texts).toEqual(['c']);
    expect((await lines.next(2)).texts).toEqual([]);
  });

  it('starts at a position and sees what is appended', async () => {
    const lines = await linesOf('a\nbc\nd', 2);
    expect(await lines.next(10)).toEqual({ texts: ['bc'], ends: [5] });
    expect((await lines.next(10)).texts).toEqual([]);
    appendFileSync(path, 'e\nf');
    expect(await lines.next(10)).toEqual({ texts: ['de'], ends: [8] });
    appendFileSync(path, '\r');
    expect((await lines.next(10)).texts).toEqual([]);
    appendFileSync(path, '\n');
    expect(await lines.next(10)).toEqual({ texts: ['f'], ends: [11] });
  });

  it('does not look for the end of the file once more when a read has come to it', async () => {
    const lines = await linesOf('a\nb\n');
    const read = vi.spyOn(file, 'read');
    expect((await lines.next(10)).texts).toEqual(['a', 'b']);
    expect(read).toHaveBeenCalledTimes(1);
    expect((await lines.next(10)).texts).toEqual([]);
    appendFileSync(path, 'c\n');
    expect((await lines.next(10)).texts).toEqual(['c']);
    expect(read).toHaveBeenCalledTimes(3);
  });

  it('hands its memory on, with nothing of what was in it', async () => {
    const before = await linesOf('the lines of one file\nand its beginning of a line');
    expect((await before.next(10)).texts).toEqual(['the lines of one file']);
    await file.close();
    before.release();
    const lines = await linesOf('a\nb');
    expect(await lines.next(10)).toEqual({ texts: ['a'], ends: [2] });
    expect((await lines.next(10)).texts).toEqual([]);
  });

  it('reads a line longer than a chunk', async () => {
    const long = 'x'.repeat(3_000_000);
    const lines = await linesOf(`a\n${long}\nb\n`);
    const { texts, ends } = await lines.next(10);
    expect(texts).toEqual(['a', long, 'b']);
    expect(ends).toEqual([2, 3_000_003, 3_000_005]);
  });

  it('reads lines of all lengths out of many chunks', async () => {
    const all = Array.from({ length: 20_000 }, (_, i) => `${i} `.repeat(1 + ((i % 37) ** 2 % 61)));
    all[11_111] = 'y'.repeat(300_000);
    const lines = await linesOf(`${all.join('\n')}\n`);
    const seen: string[] = [];
    let end = 0;
    for (let texts = ['']; texts.length > 0; ) {
      let ends: number[];
      ({ texts, ends } = await lines.next(777));
      for (const [index, text] of texts.entries()) {
        end += text.length + 1;
        expect(ends[index]).toBe(end);
      }
      seen.push(...texts);
    }
    expect(seen).toEqual(all);
  });

  it('returns before it has as many as asked when lines are long', async () => {
    const lines = await linesOf(`${'x'.repeat(999_999)}\n`.repeat(12));
    const first = (await lines.next(100)).texts.length;
    expect(first).toBeGreaterThan(3);
    expect(first).toBeLessThan(7);
    let rest = 0;
    for (let texts = ['']; texts.length > 0; rest += texts.length) ({ texts } = await lines.next(100));
    expect(first + rest).toBe(12);
  });

  it('gives every line of any text, with the position behind it, however it is asked and appended', async () => {
    const text = fc.array(fc.constantFrom('a', 'bc', '\n', '\r\n', '\r', 'é', '😀'), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 1, max: 4 }),
        async (parts, cut, max) => {
          await file?.close().catch(() => {});
          const all = Buffer.from(parts.join(''));
          const lines = await linesOf('');
          writeFileSync(path, all.subarray(0, cut));
          const seen: [string, number][] = [];
          const drain = async () => {
            for (;;) {
              const { texts, ends } = await lines.next(max);
              texts.forEach((line, i) => {
                seen.push([line, ends[i]!]);
              });
              if (texts.length < max) return;
            }
          };
          await drain();
          appendFileSync(path, all.subarray(cut));
          await drain();
          const expected: [string, number][] = [];
          let from = 0;
          // A final carriage return might be the first half of a line end, so no line ends there yet.
          for (const end of all.toString('latin1').matchAll(/\r\n|\n|\r(?=.|\n)/gs)) {
            const behind = end.index + end[0].length;
            expected.push([all.subarray(from, end.index).toString(), behind]);
            from = behind;
          }
          expect(seen).toEqual(expected);
        },
      ),
      { numRuns: 200 },
    );
  });
});
