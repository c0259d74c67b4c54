import { RegistryError } from '#libs/oci';
import type { RegionName } from './region.js';

/** On a push of a manifest: where the image has to be before the push is answered. In lower case, as Node has it. */
export const WRITE_CONCERN_HEADER = 'meridian-write-concern';

/** Where an image has to be, and for how long its push may wait for that. */
export interface WriteConcern {
  /** Those that count. */
  readonly regions: readonly RegionName[];
  /** How many of them. */
  readonly enough: number;
  /** Whether a region that the policy keeps the image from need not have it. */
  readonly excused: boolean;
  readonly limitMs: number;
}

const DEFAULT_LIMIT_MS = 30_000;

/** Longer than this no client holds a connection open; a script asks `wait` again instead. */
export const MAX_CONCERN_MS = 300_000;

const MS_PER_UNIT = { ms: 1, s: 1_000, m: 60_000 } as const;

/**
 * Reads `all`, `majority` or `regions=a,b`, and possibly `; timeout=30s` (`ms`, `s` or `m`), against the regions that
 * there are. @throws RegistryError with status 400 for anything else, so that nobody relies on what is not understood
 */
export function parseWriteConcern(text: string, known: readonly RegionName[]): WriteConcern {
  const [what = '', ...parameters] = text.split(';').map((part) => part.trim());
  const [parameter, ...more] = parameters;
  if (more.length > 0) throw refusal(text, 'it has one parameter at the most: timeout');
  return {
    ...placesOf(what, text, known),
    limitMs: parameter === undefined ? DEFAULT_LIMIT_MS : limitOf(parameter, text),
  };
}

function placesOf(what: string, text: string, known: readonly RegionName[]): Omit<WriteConcern, 'limitMs'> {
  if (what === 'all') return { regions: known, enough: known.length, excused: true };
  if (what === 'majority') return { regions: known, enough: Math.floor(known.length / 2) + 1, excused: false };
  const names = /^regions=(.+)$/
    .exec(what)?.[1]
    ?.split(',')
    .map((name) => name.trim());
  if (names === undefined) throw refusal(text, 'it begins with all, majority or regions=<name>,<name>');
  const regions = known.filter((name) => names.includes(name));
  const unknown = names.filter((name) => !regions.some((region) => region === name));
  if (unknown.length > 0) throw refusal(text, `no such region: ${unknown.join(', ')}; there are ${known.join(', ')}`);
  return { regions, enough: regions.length, excused: false };
}

function limitOf(parameter: string, text: string): number {
  const { count, unit = 's' } = /^timeout=(?<count>\d{1,6})(?<unit>ms|s|m)?$/.exec(parameter)?.groups ?? {};
  if (count === undefined) throw refusal(text, 'the timeout is written like timeout=30s');
  const limitMs = Number(count) * MS_PER_UNIT[unit as keyof typeof MS_PER_UNIT];
  if (limitMs > MAX_CONCERN_MS) throw refusal(text, `no push waits longer than ${MAX_CONCERN_MS / 1_000}s`);
  return limitMs;
}

function refusal(value: string, why: string): RegistryError {
  const message = `Meridian-Write-Concern was not understood: ${why}`;
  return new RegistryError('UNSUPPORTED', { value }, { status: 400, message });
}
