import type { Glob, RegionName } from '#libs/geo';
import type { RepositoryName } from '#libs/oci';

/** Repositories that a verdict names; the others are counted. */
const MAX_NAMED = 100;

export interface RepositoryVerdict {
  readonly repository: RepositoryName;
  differences: number;
  /** The first of them: what is different, and how. */
  readonly names: string[];
}

/** `behind`: equal as far as it has come, which is not to where the primary was when this began. */
export interface RegionVerdict {
  readonly region: RegionName;
  state: 'running' | 'equal' | 'differs' | 'behind' | 'unreachable';
  reason?: string;
  /** The place in the journal at which it was held beside the primary. */
  position: number;
  /** Compared so far. */
  repositories: number;
  readonly rehashed: { blobs: number; bytes: number };
  /** How many repositories differ, and the first of them. */
  differingRepositories: number;
  readonly differing: RepositoryVerdict[];
  finishedMs?: number;
}

/** What was asked, and what is known of the answer. */
export interface VerifyReport {
  readonly verify: string;
  readonly startedMs: number;
  finishedMs?: number;
  outcome: 'running' | 'equal' | 'differs' | 'incomplete' | 'failed';
  reason?: string;
  /** The primary's newest entry when it began. */
  readonly seq: number;
  readonly repositories?: Glob;
  readonly rehash: boolean;
  readonly regions: readonly RegionVerdict[];
}

export function freshVerdict(region: RegionName): RegionVerdict {
  const counts = { position: 0, repositories: 0, rehashed: { blobs: 0, bytes: 0 }, differingRepositories: 0 };
  return { region, state: 'running', ...counts, differing: [] };
}

/** Adds what was found in a repository to what is known of it. */
export function addRepository(verdict: RegionVerdict, found: RepositoryVerdict): void {
  const known = verdict.differing.find(({ repository }) => repository === found.repository);
  if (known !== undefined) {
    known.differences += found.differences;
    known.names.push(...found.names.slice(0, Math.max(0, MAX_NAMED - known.names.length)));
    return;
  }
  verdict.differingRepositories += 1;
  if (verdict.differing.length < MAX_NAMED) verdict.differing.push(found);
}

/** What all verdicts come to. */
export function outcomeOf(regions: readonly RegionVerdict[]): VerifyReport['outcome'] {
  if (regions.some(({ state }) => state === 'differs')) return 'differs';
  return regions.every(({ state }) => state === 'equal') ? 'equal' : 'incomplete';
}
