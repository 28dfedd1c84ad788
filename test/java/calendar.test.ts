import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calendarFromEpochMs, calendarToEpochMs } from '../../src/java/calendar.ts';

describe('the calendar', () => {
  it('reads back what the calendar says, across the change of 1582', () => {
    fc.assert(
      fc.property(fc.integer({ min: -70_000_000_000_000, max: 250_000_000_000_000 }), (ms) => {
        expect(calendarToEpochMs(calendarFromEpochMs(ms))).toBe(ms);
      }),
    );
  });

  it('has ten days less in October 1582, and rolls fields over', () => {
    const at = (year: number, month: number, day: number) =>
      calendarToEpochMs({ year, month, day, hour: 0, minute: 0, second: 0, ms: 0 });
    expect(at(1582, 9, 15) - at(1582, 9, 4)).toBe(86_400_000);
    expect(at(2019, 12, 1)).toBe(Date.UTC(2020, 0, 1));
    expect(at(2019, -1, 0)).toBe(Date.UTC(2018, 10, 30));
  });
});
