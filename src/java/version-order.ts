/**
 * The order of versions as Maven has it: numbers by value, `alpha` < `beta` < `milestone` < `rc` < `snapshot` < nothing <
 * `sp` < any other word < a number; `1` = `1.0` = `1.0.Final`. A version is a row of parts. Behind a dash, and where
 * digits and letters meet, a row inside it begins, which counts less than a number in its place.
 */
type Part = number | bigint | string | Row;
type Row = Part[];

/** Negative, zero or positive, as for a sort. */
export function compareVersions(one: string, other: string): number {
  return compareRows(parse(one), parse(other));
}

const knownWords = ['alpha', 'beta', 'milestone', 'rc', 'snapshot', '', 'sp'];
const otherNames: Readonly<Record<string, string>> = { ga: '', final: '', release: '', cr: 'rc' };
/** Where a number follows at once. */
const shortNames: Readonly<Record<string, string>> = { a: 'alpha', b: 'beta', m: 'milestone' };

function wordOf(text: string, beforeNumber: boolean): string {
  const long = (beforeNumber ? shortNames[text] : undefined) ?? text;
  return otherNames[long] ?? long;
}

function numberOf(digits: string): number | bigint {
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : BigInt(digits);
}

/** A number or a word, or nothing where two separators meet; and how it ends. */
const partForm = /([0-9]+|[^0-9.-]+|)([.-]|$|)/g;

function parse(version: string): Row {
  const text = version.toLowerCase();
  const rows: Row[] = [[]];
  const goDeeper = () => {
    const inner: Row = [];
    rows.at(-1)!.push(inner);
    rows.push(inner);
  };
  let end = 0;
  while (end < text.length) {
    partForm.lastIndex = end;
    const [whole, part, separator] = partForm.exec(text)!;
    end += whole.length;
    const isLast = end === text.length && separator === '';
    if (part === '') rows.at(-1)!.push(0);
    else if (/^[0-9]/.test(part!)) rows.at(-1)!.push(numberOf(part!));
    else {
      const beforeNumber = separator === '' && !isLast;
      // `1.0.rc1` is `1.0-rc1`, and so is a word at the very end.
      if ((beforeNumber || isLast) && rows.at(-1)!.length > 0) goDeeper();
      rows.at(-1)!.push(wordOf(part!, beforeNumber));
    }
    if (separator === '-' || (separator === '' && !isLast)) goDeeper();
  }
  for (const row of rows.toReversed()) dropEmptyEnd(row);
  return rows[0]!;
}

/** Zeros and empty words at the end of a row, or before rows at its end, say nothing. */
function dropEmptyEnd(row: Row): void {
  for (let i = row.length - 1; i >= 0; i--) {
    const part = row[i]!;
    if (part === 0 || part === '' || (Array.isArray(part) && part.length === 0)) row.splice(i, 1);
    else if (!Array.isArray(part)) return;
  }
}

const sign = <T extends number | bigint | string>(one: T, other: T) => (one < other ? -1 : one > other ? 1 : 0);

function compareWords(one: string, other: string): number {
  const place = (word: string) => (knownWords.includes(word) ? knownWords.indexOf(word) : knownWords.length);
  return place(one) - place(other) || sign(one, other);
}

/** Where the kinds differ, numbers are more than rows, and rows more than words. */
const rank = (part: Part) => (Array.isArray(part) ? 1 : typeof part === 'string' ? 0 : 2);

function compareParts(one: Part, other: Part | undefined): number {
  if (other === undefined) return compareToNothing(one);
  if (Array.isArray(one) && Array.isArray(other)) return compareRows(one, other);
  if (typeof one === 'string' && typeof other === 'string') return compareWords(one, other);
  return rank(one) - rank(other) || sign(one as number | bigint, other as number | bigint);
}

function compareToNothing(part: Part): number {
  if (typeof part === 'string') return compareWords(part, '');
  if (!Array.isArray(part)) return part === 0 ? 0 : 1;
  return part.map(compareToNothing).find((result) => result !== 0) ?? 0;
}

function compareRows(one: Row, other: Row): number {
  for (let i = 0; i < Math.max(one.length, other.length); i++) {
    const left = one[i];
    const right = other[i];
    const result = left === undefined ? -compareParts(right!, undefined) : compareParts(left, right);
    if (result !== 0) return result;
  }
  return 0;
}
