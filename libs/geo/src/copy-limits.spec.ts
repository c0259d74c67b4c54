import { describe, expect, it } from '@jest/globals';
import { CopyLimitError, CopySchedule, parseCopyLimits } from './copy-limits.js';

const at = (text: string): number => Date.parse(text);

describe('limits of copying', () => {
  it.each([
    [65_536, 65_536],
    ['50MB', 50_000_000],
    ['6.25 MiB', 6_553_600],
    ['1GiB', 1_073_741_824],
    ['200 kB', 200_000],
  ])('take %s as %i bytes per second', (bytesPerSecond, expected) => {
    expect(parseCopyLimits([{ bytesPerSecond }])).toEqual([{ bytesPerSecond: expected }]);
  });

  it.each([
    ['no list', {}, /a list/],
    ['too many', Array.from({ length: 33 }, () => ({})), /at most 32/],
    ['a misspelt word', [{ bytePerSecond: 1e6 }], /limits\[0\]: unknown: bytePerSecond/],
    ['bits', [{ bytesPerSecond: '50Mbit' }], /bytesPerSecond/],
    ['a unit that is none', [{ bytesPerSecond: '50KB' }], /bytesPerSecond/],
    ['next to nothing', [{ bytesPerSecond: '1kB' }], /64KiB at the least/],
    ['no copies', [{ copies: 0 }], /from 1 to 256/],
    ['an hour that is none', [{}, { between: '08:00-25:00' }], /limits\[1\]\.between/],
    ['a minute too many', [{ between: '08:00-24:01' }], /between/],
    ['an empty time', [{ between: '08:00-08:00' }], /between/],
    ['a day that is none', [{ days: ['monday'] }], /days/],
    ['a place that is none', [{ timeZone: 'Europe/Nowhere' }], /timeZone/],
  ])('refuse %s, and say where', (_what, value, sentence) => {
    expect(() => parseCopyLimits(value)).toThrow(CopyLimitError);
    expect(() => parseCopyLimits(value)).toThrow(sentence);
  });

  it.each([
    ['2026-01-12T07:30:00Z', 1e6],
    ['2026-01-12T06:59:00Z', undefined],
    ['2026-01-12T16:59:59Z', 1e6],
    ['2026-01-12T17:00:00Z', undefined],
    // In summer the same hours there come an hour earlier in UTC.
    ['2026-07-13T06:00:00Z', 1e6],
    // A Saturday.
    ['2026-01-10T09:00:00Z', 2e6],
  ])('count by the clock of their time zone: at %s %p', (time, expected) => {
    const schedule = new CopySchedule(
      parseCopyLimits([
        { bytesPerSecond: 2e6, days: ['sat', 'sun'], timeZone: 'Europe/Amsterdam' },
        { bytesPerSecond: 1e6, between: '08:00-18:00', timeZone: 'Europe/Amsterdam' },
      ]),
    );
    expect(schedule.at(at(time))?.bytesPerSecond).toBe(expected);
  });

  it.each([
    ['21:59', undefined],
    ['22:00', 3],
    ['23:59', 3],
    ['00:00', 3],
    ['05:59', 3],
    ['06:00', undefined],
  ])('go over midnight: at %s', (time, copies) => {
    const schedule = new CopySchedule(parseCopyLimits([{ copies: 3, between: '22:00-06:00' }]));
    expect(schedule.at(at(`2026-01-12T${time}:00Z`))?.copies).toBe(copies);
  });

  it('are none when the list is empty', () => {
    expect(new CopySchedule(parseCopyLimits([])).at(0)).toBeUndefined();
  });
});
