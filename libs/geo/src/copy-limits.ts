/** How much a region's replication may take of the line, and when. What is left out is not limited. */
export interface CopyLimit {
  /** Of all copies of a replicator process together. */
  readonly bytesPerSecond?: number;
  /** Copies of big blobs at once. */
  readonly copies?: number;
  /** `08:00-18:00`: from the first minute to the one before the last; over midnight if the second is the earlier. Else all day. */
  readonly between?: string;
  /** `mon` to `sun`: which day it is there. Else every day. */
  readonly days?: readonly Day[];
  /** As the IANA time zone database names it; `UTC` if left out. */
  readonly timeZone?: string;
}

export type Day = (typeof DAYS)[number];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/** Less would let connections stand still for so long that they are taken for dead; whoever wants less wants a pause. */
export const LEAST_BYTES_PER_SECOND = 64 * 1024;

export const MAX_COPY_LIMITS = 32;
const MAX_COPIES = 256;

/** Something that is no list of limits, and what is wrong with it, with its place: `limits[2].between: …`. */
export class CopyLimitError extends Error {
  override readonly name = 'CopyLimitError';
}

/** @throws CopyLimitError */
export function parseCopyLimits(value: unknown): readonly CopyLimit[] {
  if (!Array.isArray(value) || value.length > MAX_COPY_LIMITS) {
    throw new CopyLimitError(`limits: a list of at most ${MAX_COPY_LIMITS} is needed; an empty one limits nothing`);
  }
  return value.map((limit, index) => parseLimit(`limits[${index}]`, limit));
}

const FIELDS = ['bytesPerSecond', 'copies', 'between', 'days', 'timeZone'];

function parseLimit(at: string, value: unknown): CopyLimit {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new CopyLimitError(`${at}: an object`);
  const unknown = Object.keys(value).filter((key) => !FIELDS.includes(key));
  if (unknown.length > 0)
    throw new CopyLimitError(`${at}: unknown: ${unknown.join(', ')}; known: ${FIELDS.join(', ')}`);
  const { bytesPerSecond, copies, between, days, timeZone } = value as Readonly<Record<string, unknown>>;
  return {
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond: rateOf(`${at}.bytesPerSecond`, bytesPerSecond) }),
    ...(copies === undefined ? {} : { copies: copiesOf(`${at}.copies`, copies) }),
    ...(between === undefined ? {} : { between: windowOf(`${at}.between`, between) }),
    ...(days === undefined ? {} : { days: daysOf(`${at}.days`, days) }),
    ...(timeZone === undefined ? {} : { timeZone: zoneOf(`${at}.timeZone`, timeZone) }),
  };
}

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 1_024,
  MiB: 1_024 ** 2,
  GiB: 1_024 ** 3,
};

/** `50MB`, `6.25 MiB`, or a number of bytes. */
function rateOf(at: string, value: unknown): number {
  const [, number, unit = 'B'] = /^(\d{1,12}(?:\.\d{1,3})?) ?([kMGKi]{0,2}B)?$/.exec(String(value)) ?? [];
  const rate = Math.floor(Number(number) * (UNITS[unit] ?? Number.NaN));
  if (rate >= LEAST_BYTES_PER_SECOND && Number.isSafeInteger(rate)) return rate;
  throw new CopyLimitError(`${at}: a number of bytes, or one with a unit such as "50MB", of 64KiB at the least`);
}

function copiesOf(at: string, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_COPIES) return value;
  throw new CopyLimitError(`${at}: a whole number from 1 to ${MAX_COPIES}`);
}

const WINDOW = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24):([0-5]\d)$/;

function windowOf(at: string, value: unknown): string {
  const text = String(value);
  const { from, until } = minutesOf(text) ?? { from: 0, until: 0 };
  if (typeof value === 'string' && from !== until && until <= 24 * 60) return text;
  throw new CopyLimitError(`${at}: two times of the day such as "08:00-18:00"`);
}

function minutesOf(text: string): { readonly from: number; readonly until: number } | undefined {
  const [, fromHour, fromMinute, untilHour, untilMinute] = WINDOW.exec(text) ?? [];
  if (untilMinute === undefined) return undefined;
  return {
    from: Number(fromHour) * 60 + Number(fromMinute),
    until: Number(untilHour) * 60 + Number(untilMinute),
  };
}

function daysOf(at: string, value: unknown): readonly Day[] {
  const days = Array.isArray(value) ? value.map((day) => DAYS.find((known) => known === day)) : [];
  if (days.length > 0 && days.length <= DAYS.length && !days.includes(undefined)) return days as readonly Day[];
  throw new CopyLimitError(`${at}: a list of days such as ["mon", "tue"]`);
}

function zoneOf(at: string, value: unknown): string {
  try {
    if (typeof value === 'string' && value.length <= 64) return clockOf(value) && value;
  } catch {
    // Said below.
  }
  throw new CopyLimitError(`${at}: a time zone such as "Europe/Amsterdam"`);
}

/** @throws RangeError for a time zone that there is not */
function clockOf(timeZone: string): Intl.DateTimeFormat {
  const fields = { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  return new Intl.DateTimeFormat('en-GB', { ...fields, timeZone });
}

interface Row {
  readonly limit: CopyLimit;
  readonly clock: Intl.DateTimeFormat;
  readonly window: { readonly from: number; readonly until: number } | undefined;
}

/** What counts when: the first limit of a list whose time it is. */
export class CopySchedule {
  readonly #rows: readonly Row[];

  constructor(readonly limits: readonly CopyLimit[]) {
    this.#rows = limits.map((limit) => ({
      limit,
      clock: clockOf(limit.timeZone ?? 'UTC'),
      window: limit.between === undefined ? undefined : minutesOf(limit.between),
    }));
  }

  /** `undefined`: nothing is limited then. */
  at(nowMs: number): Pick<CopyLimit, 'bytesPerSecond' | 'copies'> | undefined {
    return this.#rows.find((row) => isTime(row, nowMs))?.limit;
  }
}

function isTime({ limit: { days }, clock, window }: Row, nowMs: number): boolean {
  const parts = new Map(clock.formatToParts(nowMs).map(({ type, value }) => [type, value]));
  const day = parts.get('weekday')?.toLowerCase();
  if (days !== undefined && !days.some((each) => each === day)) return false;
  if (window === undefined) return true;
  const minute = Number(parts.get('hour')) * 60 + Number(parts.get('minute'));
  const { from, until } = window;
  return from < until ? minute >= from && minute < until : minute >= from || minute < until;
}
