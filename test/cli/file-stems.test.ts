import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fileStems } from '../../cli/file-stems.ts';

const filesOf = (names: readonly string[]) =>
  [...fileStems(names).values()].flatMap((stem) => [`${stem}.json`, `${stem}.offsets.json`]);

test('a name that is one of a file stays what it is', () => {
  expect([...fileStems(['orders', 'Orders-eu', 'a.b'])]).toEqual([
    ['orders', 'orders'],
    ['Orders-eu', 'Orders-eu'],
    ['a.b', 'a.b'],
  ]);
});

test.each(['..', '.', '../../etc/passwd', '/etc/passwd', '.hidden', 'a/b', 'a\\b', 'a:b', 'a*b', 'a\0b', '\ud800', ''])(
  'a file of %j lies in the folder, and is not hidden',
  (name) => {
    const [stem] = [...fileStems([name]).values()];
    expect(stem).not.toMatch(/[/\\:*\0]|^\.|\.$/);
    expect(basename(`${stem}.json`)).toBe(`${stem}.json`);
  },
);

test('any names have files of their own, on a disk that ignores case too', () => {
  const name = fc.oneof(
    fc.constantFrom('orders', 'Orders', 'orders.offsets', 'ORDERS.OFFSETS', 'orders.offsets.offsets'),
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc.string({ unit: fc.constantFrom('a', 'A', '.', '/', 'ü'), maxLength: 300 }),
  );
  const folder = mkdtempSync(join(tmpdir(), 'drover-stems-'));
  try {
    writeFileSync(join(folder, filesOf(['ü'.repeat(300)])[1]!), '');
    expect(readdirSync(folder)).toHaveLength(1);
  } finally {
    rmSync(folder, { recursive: true });
  }
  fc.assert(
    fc.property(fc.uniqueArray(name, { maxLength: 12 }), (names) => {
      const files = filesOf(names).map((file) => file.toLowerCase());
      expect(new Set(files).size).toBe(2 * names.length);
      for (const file of files) expect(Buffer.byteLength(file)).toBeLessThanOrEqual(255);
    }),
    { numRuns: 100 },
  );
});
