import { describe, expect, it } from 'vitest';
import { skipping } from '../../../../connectors/s3/formats/read.ts';
import { openPieces, openWhole } from '../../../../connectors/s3/formats/read-bytes.ts';
import { type CsvOptions, openCsv } from '../../../../connectors/s3/formats/read-csv.ts';
import { openJson } from '../../../../connectors/s3/formats/read-json.ts';
import { openJsonLines, openLines } from '../../../../connectors/s3/formats/read-lines.ts';
import { Decimal, Instant } from '../../../../src/api/index.ts';
import { memorySource, readAll, readFromEverywhere, told } from './reading.ts';

const most = 100;
/** In pieces of every size up to the whole, so that each boundary falls everywhere. */
const pieceSizes = [1, 2, 3, 5, 16, 1000];

type Open = Parameters<typeof readFromEverywhere>[0];

async function saidOf(
  text: string | Buffer,
  open: (source: ReturnType<typeof memorySource>, from: number) => ReturnType<Open>,
) {
  const bytes = Buffer.isBuffer(text) ? text : Buffer.from(text);
  const all = [];
  for (const size of pieceSizes) {
    all.push((await readFromEverywhere((from) => open(memorySource(bytes, size), from))).said);
  }
  for (const said of all) expect(said).toEqual(all[0]);
  return all[0];
}

describe('lines', () => {
  const lines = (text: string | Buffer) => saidOf(text, (source, from) => openLines(source, from, most));

  it('ends them with \\n or \\r\\n, and the last one with nothing', async () => {
    expect(await lines('one\ntwo\r\n\nfour äöü €\nlast')).toEqual(['one', 'two', '', 'four äöü €', 'last']);
    expect(await lines('one\n')).toEqual(['one']);
    expect(await lines('')).toEqual([]);
  });

  it('leaves a byte order mark out', async () => {
    expect(await lines('\ufeffone\n\ufefftwo\n')).toEqual(['one', '\ufefftwo']);
  });

  it('tells of a line that is too long or no text, and goes on', async () => {
    const text = Buffer.concat([
      Buffer.from(`a\n${'x'.repeat(101)}\nb\n`),
      Buffer.from([0xc3, 0x28, 0x0a]),
      Buffer.from('c\n'),
    ]);
    expect(await lines(text)).toEqual([
      'a',
      '! The line is longer than 100 bytes; max.record.bytes allows no more',
      'b',
      '! The line holds bytes that are not UTF-8',
      'c',
    ]);
    expect(await lines('y'.repeat(1000))).toEqual([
      '! The line is longer than 100 bytes; max.record.bytes allows no more',
    ]);
  });
});

describe('jsonl', () => {
  const values = (text: string | Buffer) => saidOf(text, (source, from) => openJsonLines(source, from, most));

  it('reads a value on each line that is not blank, with all its digits', async () => {
    expect(await values('{"id":9007199254740993}\n\n  \r\n[1.5,"x"]\r\nnull\n"a"')).toEqual([
      new Map([['id', 9007199254740993n]]),
      [1.5, 'x'],
      null,
      'a',
    ]);
  });

  it('tells of a bad line, one with more than a value among them, and goes on', async () => {
    const said = await values('{"a":1}\n{"a":\n{"a":2} {"a":3}\n{"a":4}\n');
    expect(said).toHaveLength(4);
    expect(said![1]).toMatch(/^! /);
    expect(said![2]).toMatch(/^! .*more than one value/);
    expect(said![3]).toEqual(new Map([['a', 4n]]));
  });
});

describe('json', () => {
  const values = (text: string | Buffer) => saidOf(text, (source, from) => openJson(source, from, most));

  it('reads the elements of an array', async () => {
    expect(await values(' [ 1, "a,]}\\"" , {"b":[1,2]} ,\n[3],true,null ] \n')).toEqual([
      1n,
      'a,]}"',
      new Map([['b', [1n, 2n]]]),
      [3n],
      true,
      null,
    ]);
    expect(await values('[]')).toEqual([]);
    expect(await values('\ufeff[1]')).toEqual([1n]);
  });

  it('reads one document, or many behind each other, each as it is', async () => {
    expect(await values('{"a":1}')).toEqual([new Map([['a', 1n]])]);
    expect(await values('{"a":1}{"a":2}\n[1,2]\n3')).toEqual([
      new Map([['a', 1n]]),
      new Map([['a', 2n]]),
      [1n, 2n],
      3n,
    ]);
  });

  it('tells of an element that is none, or too long, and goes on', async () => {
    const said = await values(`[1, {"a" 2}, "${'x'.repeat(200)}", tru, {"b":3}]`);
    expect(said).toHaveLength(5);
    expect(said![1]).toMatch(/^! /);
    expect(said![2]).toBe('! The value is longer than 100 bytes; max.record.bytes allows no more');
    expect(said![3]).toMatch(/^! /);
    expect(said![4]).toEqual(new Map([['b', 3n]]));
  });

  it('tells of what is cut off, and of more behind the array', async () => {
    expect((await values('[1,{"a":'))![1]).toMatch(/^! /);
    expect(await values('[1] 2')).toEqual([1n, '! There is more behind the end of the array']);
    expect((await values('1 ]'))![1]).toMatch(/^! /);
  });
});

describe('csv', () => {
  const plain: CsvOptions = {
    separator: ',',
    quote: '"',
    escape: '"',
    header: true,
    columns: [],
    types: [],
    nullText: '',
    maxRecordBytes: most,
  };
  const rows = (text: string | Buffer, options: Partial<CsvOptions> = {}) =>
    saidOf(text, (source, from) => openCsv(source, from, { ...plain, ...options }));

  it('names cells by the header, with separators, quotes and newlines inside them', async () => {
    expect(await rows('id,text\n1,"a, ""b""\nc"\r\n2,äöü\n\n3,\n')).toEqual([
      { id: '1', text: 'a, "b"\nc' },
      { id: '2', text: 'äöü' },
      { id: '3', text: null },
    ]);
  });

  it('reads types exactly, and says which cell is none', async () => {
    const types = ['id:int64', 'price:decimal(2)', 'ok:boolean', 'day:date', 'at:timestamp', 'small:int8', 'x:float64'];
    const said = await rows(
      [
        'id,price,ok,day,at,small,x',
        '9007199254740993,12.5,TRUE,2026-02-28,2026-02-28T10:00:00.5+02:00,-128,1e3',
        '1,1.255,true,2026-02-28,2026-02-28 10:00:00,0,1',
        '2,1,yes,,,,',
        '3,1,,2026-02-30,,,',
        '4,,,,,128,',
        '5,,,,,,',
      ].join('\n'),
      { types },
    );
    expect(said![0]).toEqual({
      id: 9007199254740993n,
      price: new Decimal(1250n, 2),
      ok: true,
      day: new Instant(Date.UTC(2026, 1, 28)),
      at: new Instant(Date.UTC(2026, 1, 28, 8, 0, 0, 500)),
      small: -128,
      x: 1000,
    });
    expect(said!.slice(1, 5)).toEqual([
      '! Column price holds "1.255", which is no decimal(2)',
      '! Column ok holds "yes", which is no boolean',
      '! Column day holds "2026-02-30", which is no date',
      '! Column small holds "128", which is no int8',
    ]);
    expect(said![5]).toMatchObject({ id: 5n, price: null });
  });

  it('tells of a row with other columns, and goes on', async () => {
    expect(await rows('a,b\n1,2\n3\n4,5,6\n7,8\n')).toEqual([
      { a: '1', b: '2' },
      '! The row has 1 cells, and there are 2 columns',
      '! The row has 3 cells, and there are 2 columns',
      { a: '7', b: '8' },
    ]);
  });

  it('takes other signs, and names without a header', async () => {
    const options = { header: false, columns: ['a', 'b'], separator: ';', quote: "'", nullText: 'NULL' };
    expect(await rows("1;'x;y'\nNULL;2\n", options)).toEqual([
      { a: '1', b: 'x;y' },
      { a: null, b: '2' },
    ]);
    expect(await rows('1,2\n', { header: false })).toEqual([{ column1: '1', column2: '2' }]);
  });

  it('knows of bytes that are no text, however far the rest of their row goes', async () => {
    const long = 'x'.repeat(200_000);
    const text = Buffer.concat([Buffer.from('a,b\n1,2\n"'), Buffer.from([0xff]), Buffer.from(`",${long}\n3,4\n`)]);
    const options = { ...plain, maxRecordBytes: 1 << 20 };
    const said = (await readAll(await openCsv(memorySource(text, 1 << 20), 0, options))).map(told);
    expect(said).toEqual([{ a: '1', b: '2' }, expect.stringMatching(/^! .*UTF-8/), { a: '3', b: '4' }]);
  });

  it('refuses a header that names something twice', async () => {
    await expect(rows('a,a\n1,2\n')).rejects.toThrow('The header names a twice');
  });

  it('refuses a first row that is no header, where types say so', async () => {
    const typed = (text: string) =>
      openCsv(memorySource(Buffer.from(text)), 0, { ...plain, types: ['id:int32', 'price:float64'] }).then(readAll);
    await expect(typed('1,2.5\n2,3.5\n')).rejects.toThrow(
      'The header (1, 2.5) has none of the columns of csv.types (id, price): where the first row is no header, set csv.header=false',
    );
    expect((await typed('id,name\n1,a\n')).map(told)).toEqual([{ id: 1, name: 'a' }]);
  });
});

describe('leaving items out', () => {
  const jsonl = '1\n\n  \n{"a":\n2\n3\n';
  const readers = {
    lines: (skip: number) => openLines(memorySource(Buffer.from(jsonl), 2), 0, most, skip),
    jsonl: (skip: number) => openJsonLines(memorySource(Buffer.from(jsonl), 2), 0, most, skip),
    json: (skip: number) =>
      openJson(memorySource(Buffer.from(`[1,"]",{"b" 2},"${'x'.repeat(200)}",3]`), 2), 0, most, skip),
    bytes: (skip: number) => skipping(openPieces(memorySource(Buffer.from('abcdefgh')), 0, 3), skip),
  };

  it.each(Object.entries(readers))('of %s gives what reading them all does behind them', async (_format, open) => {
    const all = (await readAll(open(0))).map(told);
    expect(all.length).toBeGreaterThan(2);
    for (let skip = 0; skip <= all.length + 1; skip++) {
      expect((await readAll(open(skip))).map(told)).toEqual(all.slice(skip));
    }
  });
});

describe('bytes', () => {
  it('cuts pieces of one size, the last one shorter', async () => {
    const said = await saidOf('abcdefgh', (source, from) => openPieces(source, from, 3));
    expect(said).toEqual(['abc', 'def', 'gh']);
  });

  it('reads the whole object, up to a limit', async () => {
    expect(await saidOf('abc', (source, from) => openWhole(source, from, 3))).toEqual(['abc']);
    expect(await saidOf('abcd', (source, from) => openWhole(source, from, 3))).toEqual([
      '! The object is longer than 3 bytes; max.record.bytes allows no more',
    ]);
  });
});
