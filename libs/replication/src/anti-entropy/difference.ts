import type { RegionRules } from '#libs/geo';
import { isLive, itemLine, itemName, type SummaryItem } from '#libs/journal';
import type { RepositoryName } from '#libs/oci';

/**
 * `missing`: the region lacks what the primary has. `wrong`: it has something else in its place. `blobs`: it has the manifest
 * and not all that it needs. `extra`: it has what the primary has not. `excluded`: the policy does not let it have it.
 * `primary`: what is wrong is wrong at the primary.
 */
export type DifferenceKind = 'missing' | 'wrong' | 'blobs' | 'extra' | 'excluded' | 'primary';

/** One thing of a repository that a region does not have as the primary has it. */
export interface Difference {
  readonly kind: DifferenceKind;
  readonly repository: RepositoryName;
  /** The primary's; absent: nothing was ever there. */
  readonly expected?: SummaryItem;
  /** The region's. */
  readonly found?: SummaryItem;
}

/** As people name it. */
export function nameOf({ expected, found }: Pick<Difference, 'expected' | 'found'>): string {
  const item = expected ?? found;
  return item === undefined ? 'nothing' : `${item.kind} ${itemName(item)}`;
}

export interface Judged {
  readonly repository: RepositoryName;
  readonly rules: RegionRules;
  /** What was set by later entries is not judged. */
  readonly position: number;
}

/** @returns what is different; `undefined` if it is as it should be, or cannot be judged yet */
export function judge(
  { repository, rules, position }: Judged,
  expected: SummaryItem | undefined,
  found: SummaryItem | undefined,
): Difference | undefined {
  if ((expected?.seq ?? 0) > position || (found?.seq ?? 0) > position) return undefined;
  const kind = kindOf(expected, found, admits(rules, repository, expected ?? found), rules.limits(repository));
  if (kind === undefined) return undefined;
  return {
    kind,
    repository,
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found }),
  };
}

/** Where the region may have a part of a repository only, nobody can say of what is not here that it should be, but of tags. */
function kindOf(
  expected: SummaryItem | undefined,
  found: SummaryItem | undefined,
  admitted: 'must' | 'may' | 'never',
  limited: boolean,
): DifferenceKind | undefined {
  const [there, here] = [expected !== undefined && isLive(expected), found !== undefined && isLive(found)];
  if (!here && (!there || admitted !== 'must')) return undefined;
  if (here && admitted === 'never') return 'excluded';
  if (!here || found === undefined) return 'missing';
  if (!there || expected === undefined) return 'extra';
  if (itemLine(expected) === itemLine(found)) return undefined;
  if (found.kind !== 'manifest' || expected.kind !== 'manifest' || found.seq !== expected.seq) return 'wrong';
  if (limited) return undefined;
  return found.missing.some((blob) => !expected.missing.includes(blob)) ? 'blobs' : 'primary';
}

function admits(
  rules: RegionRules,
  repository: RepositoryName,
  item: SummaryItem | undefined,
): 'must' | 'may' | 'never' {
  if (rules.share(repository) === 'none') return 'never';
  if (!rules.limits(repository)) return 'must';
  if (item?.kind !== 'tag') return 'may';
  const { action, newest } = rules.decideTag(repository, item.tag);
  if (action === 'exclude') return 'never';
  return newest === undefined ? 'must' : 'may';
}
