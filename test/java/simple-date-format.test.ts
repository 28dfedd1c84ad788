import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SimpleDateFormat } from '../../src/java/simple-date-format.ts';

const now = Date.UTC(2024, 5, 1);
const at = Date.UTC(2023, 10, 14, 22, 13, 20, 123);

test.each([
  ['yyyyMMdd', '20231114'],
  ["yyyy-MM-dd'T'HH:mm:ss.SSSXXX", '2023-11-14T22:13:20.123Z'],
  ['EEE, d MMM yy h:mm a z', 'Tue, 14 Nov 23 10:13 PM UTC'],
  ["EEEE 'o''clock' K k", "Tuesday o'clock 10 22"],
  ['D w W F u G', '318 46 3 2 2 AD'],
  ['YYYY-ww', '2023-46'],
  ['SSSSSS Z X', '000123 +0000 Z'],
])('%s formats as %s', (pattern, text) => {
  expect(new SimpleDateFormat(pattern).format(at)).toBe(text);
});

test.each([
  ['yyyy-MM-dd HH:mm:ss', '2020-02-30 25:61:61', Date.UTC(2020, 2, 2, 2, 2, 1)],
  ['yyyyMMddHHmm', '202311142213', Date.UTC(2023, 10, 14, 22, 13)],
  ['yyyy-MM-dd', '2020-01-01 and more', Date.UTC(2020, 0, 1)],
  ['dd/MM/yy', '01/02/30', Date.UTC(2030, 1, 1)],
  ['dd/MM/yy', '01/02/50', Date.UTC(1950, 1, 1)],
  ['d MMMM yyyy', '3 mar 2021', Date.UTC(2021, 2, 3)],
  ['HH:mm Z', '12:00 +0130', (12 - 1.5) * 3_600_000],
  ['HH:mm z', '12:00 EST', 17 * 3_600_000],
  ['yyyy-MM-dd G', '0044-03-15 BC', -63_517_996_800_000],
  ['YYYY-ww-u', '2024-01-1', Date.UTC(2024, 0, 1)],
  ['yyyy-DDD', '2024-060', Date.UTC(2024, 1, 29)],
])('%s reads %s', (pattern, text, ms) => {
  expect(new SimpleDateFormat(pattern, now).parse(text)).toBe(ms);
});

test.each([
  ['yyyy-MM-dd', 'garbage'],
  ['yyyy-MM-dd', ''],
  ['HH:mm z', '12:00 Nowhere'],
  ['MMM', 'Foo'],
])('%s does not read %j', (pattern, text) => {
  expect(new SimpleDateFormat(pattern).parse(text)).toBeNull();
});

test.each([
  ['bad pattern', "Illegal pattern character 'b'"],
  ["yyyy 'open", 'Unterminated quote'],
  ['XXXX', 'invalid ISO 8601 format: length=4'],
])('%s is refused', (pattern, message) => {
  expect(() => new SimpleDateFormat(pattern)).toThrow(message);
});

test('what a full pattern writes it reads back', () => {
  const format = new SimpleDateFormat('G yyyy-MM-dd HH:mm:ss.SSS');
  fc.assert(fc.property(fc.integer({ min: -(2 ** 45), max: 2 ** 47 }), (ms) => format.parse(format.format(ms)) === ms));
});
