import fc from 'fast-check';
import { at } from './api-command.js';
import { MANIFESTS } from './samples.js';

/** A condition as its headers, and as what it says of a manifest (a place in the samples) or of nothing. */
export interface Condition {
  readonly headers: Readonly<Record<string, string>>;
  readonly holds: (current: number | undefined) => boolean;
}

const manifest = fc.nat({ max: MANIFESTS.length - 1 });
const tagOf = (place: number) => `"${at(MANIFESTS, place).digest}"`;
const listOf = (places: readonly number[]) => places.map(tagOf).join(', ');
const some = fc.uniqueArray(manifest, { minLength: 1, maxLength: 4 });

const NONE: Condition = { headers: {}, holds: () => true };
const IF_ABSENT: Condition = { headers: { 'if-none-match': '*' }, holds: (current) => current === undefined };
const IF_PRESENT: Condition = { headers: { 'if-match': '*' }, holds: (current) => current !== undefined };

const includes = (places: readonly number[], current: number | undefined) =>
  current !== undefined && places.includes(current);

export const condition: fc.Arbitrary<Condition> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(NONE) },
  { weight: 2, arbitrary: fc.constantFrom(IF_ABSENT, IF_PRESENT) },
  {
    weight: 3,
    arbitrary: some.map((places): Condition => {
      return { headers: { 'if-match': listOf(places) }, holds: (current) => includes(places, current) };
    }),
  },
  {
    weight: 1,
    arbitrary: some.map((places): Condition => {
      return { headers: { 'if-none-match': listOf(places) }, holds: (current) => !includes(places, current) };
    }),
  },
  {
    weight: 1,
    arbitrary: manifest.map((place) => ({ headers: { 'if-match': `W/${tagOf(place)}` }, holds: () => false })),
  },
);

export function describeCondition({ headers }: Condition): string {
  const known = MANIFESTS.map(({ digest }, place) => [digest, `manifest ${place}`] as const);
  return Object.entries(headers)
    .map(([name, value]) => `, ${name}: ${known.reduce((text, [digest, short]) => text.replace(digest, short), value)}`)
    .join('');
}
