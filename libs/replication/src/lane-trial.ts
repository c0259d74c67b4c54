/** What is tried: more lanes, fewer, or half as many that ask for twice as much each. */
export type TrialKind = 'more' | 'fewer' | 'larger';

/** What there was before a trial, and what that carried. */
export interface LaneTrial {
  readonly kind: TrialKind;
  readonly lanes: number;
  readonly requestBytes: number;
  readonly rate: number;
}

/** So often it is tried again what brought nothing. */
export const REST_MS: Readonly<Record<TrialKind, number>> = { more: 3_000, fewer: 10_000, larger: 10_000 };

/** More lanes are worth having that carry so much more, and worth keeping, once they are there, for less. */
const WORTHWHILE = 1.15;
const WORTH_KEEPING = 1.03;

/** Fewer lanes are better that carry as much, but for so little. */
const AS_MUCH = 0.95;

export function pays({ kind, rate: before }: LaneTrial, rate: number): boolean {
  return rate >= before * (kind === 'more' ? WORTHWHILE : AS_MUCH);
}

/** Nothing more of the kind is tried for a while, but what is there stays. */
export function isWorthKeeping({ kind, rate: before }: LaneTrial, rate: number): boolean {
  return kind === 'more' && rate >= before * WORTH_KEEPING;
}
