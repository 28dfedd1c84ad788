import { describe, expect, test } from 'vitest';
import { prefixLayout, templateLayout } from '../../../connectors/s3/aiven-layout.ts';
import { TimePattern } from '../../../connectors/s3/time-pattern.ts';
import { TimeZone } from '../../../connectors/s3/time-zone.ts';
import { SinkRecord } from '../../../src/api/index.ts';

const at = Date.UTC(2026, 10, 8, 3, 4, 5, 67);
const utc = new TimeZone('UTC');
const printed = (pattern: string, zone = 'UTC', locale = 'en') =>
  new TimePattern(pattern, new TimeZone(zone), locale, 'path.format').at(at);

describe('patterns of times', () => {
  test.each([
    ["'year'=YYYY/'month'=MM/'day'=dd/'hour'=HH", 'year=2026/month=11/day=08/hour=03'],
    ['yy-M-d H:m:s.SSS', '26-11-8 3:4:5.067'],
    ['EEE MMM hh a', 'Sun Nov 03 AM'],
    ["'o''clock' ww e D", "o'clock 45 7 312"],
    ["yyyy''dd", "2026'08"],
  ])('%s', (pattern, text) => expect(printed(pattern)).toBe(text));

  test('by the clock of a zone', () => {
    expect(printed('yyyy-MM-dd HH:mm', 'America/New_York')).toBe('2026-11-07 22:04');
    expect(printed('HH:mm ZZ', '+05:30')).toBe('08:34 +05:30');
  });

  test('what is no part of a time, or not closed, is refused by the setting’s name', () => {
    expect(() => printed('year=YYYY')).toThrow('for configuration path.format');
    expect(() => printed("'year=YYYY")).toThrow('a quote is not closed');
  });
});

test('a schedule counts from the midnight of its zone', () => {
  const zone = new TimeZone('Asia/Kolkata');
  const hour = 3_600_000;
  expect(zone.nextMultiple(Date.UTC(2026, 0, 1, 0, 10), hour)).toBe(Date.UTC(2026, 0, 1, 0, 30));
  expect(zone.nextMultiple(Date.UTC(2026, 0, 1, 0, 30), hour)).toBe(Date.UTC(2026, 0, 1, 1, 30));
  expect(zone.nextMultiple(Date.UTC(2026, 0, 1, 0, 10), 24 * hour)).toBe(Date.UTC(2026, 0, 1, 18, 30));
});

describe('Aiven’s names', () => {
  const options = { zone: utc, eventTime: true };
  const record = new SinkRecord('orders', 7, null, 'k 1', null, 'v', 42, at);
  const nameOf = (text: string) => {
    const layout = templateLayout(text, '.gz', options);
    return `${layout.nameOf(layout.pathOf(record, 0), record)}${layout.ending}`;
  };

  test.each([
    ['{{topic}}-{{partition}}-{{start_offset}}', 'orders-7-42.gz'],
    [
      '{{ topic }}/{{timestamp:unit=yyyy}}/{{timestamp:unit=MM}}/{{partition:padding=true}}-{{start_offset:padding=true}}',
      'orders/2026/11/0000000007-00000000000000000042.gz',
    ],
    ['{{topic}}/{{key}}', 'orders/k 1.gz'],
  ])('%s', (text, name) => {
    expect(nameOf(text)).toBe(name);
    expect(templateLayout(text, '.gz', options).owns(name)).toBe(true);
  });

  test('by a prefix, as before there were templates', () => {
    const layout = prefixLayout('in/{{utc_date}}/', '', options);
    expect(layout.nameOf(layout.pathOf(record, 0), record)).toBe('in/2026-11-08/orders-7-00000000000000000042');
    expect(layout.prefix).toBe('in/');
    expect(layout.owns('in/2026-11-08/orders-7-00000000000000000042.gz')).toBe(true);
    expect(layout.owns('in/readme.txt')).toBe(false);
  });

  test.each([
    ['{{topic}}-{{start_offset}}', 'needs {{topic}}, {{partition}} and {{start_offset}}'],
    ['{{topic}}-{{partition}}-{{start_offset}}-{{when}}', 'there is no {{when}}'],
    ['{{topic}}-{{partition}}-{{start_offset}}-{{timestamp}}', 'needs unit=yyyy'],
    ['{{topic', 'is not closed'],
  ])('%s is refused', (text, problem) => expect(() => nameOf(text)).toThrow(problem));
});
