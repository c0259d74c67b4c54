import { type Checker, finding } from './evidence.js';
import type { JournalState } from './journal-state.js';
import type { RegionState } from './region-state.js';

/** A rule, as an operator writes it. */
export interface CheckedRule {
  readonly regions: readonly string[];
  readonly repositories: string;
  readonly tags?: string;
  readonly action: string;
}

/**
 * C7: what a replica's bucket holds that the policy keeps from that region. It reads the rules by itself, as regular
 * expressions, so that it does not repeat a mistake of the product.
 */
export function policyIsKept(region: string, rules: readonly CheckedRule[], state: RegionState): readonly string[] {
  const tags = [...state.tags].filter(([, { digest }]) => digest !== undefined).map(([key]) => key);
  const shown = [...state.manifests, ...state.links].filter(([, { live }]) => live).map(([key]) => key);
  return [
    ...tags.filter((key) => excludes(rules, region, key.slice(0, key.indexOf(':')), key.slice(key.indexOf(':') + 1))),
    ...shown.filter((key) => excludes(rules, region, key.slice(0, key.indexOf('@')), undefined)),
    ...state.catalog.filter((repository) => excludes(rules, region, repository, undefined)),
  ].map((what) => `${region} has ${what}, which the policy keeps from it`);
}

/**
 * C7: in the end no replica's bucket holds what the rules that were made last keep from it. The link of a manifest that was
 * deleted goes with the primary's, when that is collected.
 */
export const rulesAreKept: Checker = ({ journal, regions, primary }) => {
  const { rules } = lastRules(journal);
  const waiting = regions.get(primary)?.links;
  const problems = [...regions].flatMap(([region, state]) => {
    if (region === primary) return [];
    const links = new Map([...state.links].filter(([key]) => waiting?.get(key)?.live !== true));
    return policyIsKept(region, rules, { ...state, links });
  });
  return finding('C7 policy', problems);
};

/** The rules that the journal's order puts last, and their place in it. */
export function lastRules({ entries }: JournalState): { readonly seq: number; readonly rules: readonly CheckedRule[] } {
  const last = entries.findLast(({ type }) => type === 'policy.put');
  return { seq: last?.seq ?? 0, rules: last?.policy?.rules ?? [] };
}

/** Whether the rules keep all of a repository from a region: those that were made last, or any that ever were. */
export function isKept(
  journal: JournalState,
  when: 'at last' | 'ever',
): (region: string, repository: string | undefined) => boolean {
  const all = when === 'ever' ? journal.entries.map(({ policy }) => policy?.rules ?? []) : [lastRules(journal).rules];
  const some = all.filter(({ length }) => length > 0);
  return (region, repository = '') => some.some((rules) => excludes(rules, region, repository, undefined));
}

/** What a region shows to readers: not what it is about to take away, or has not got back yet. */
export function shownIn(region: string, { policies }: RegionState): (repository: string) => boolean {
  return (repository) => !policies.some((rules) => excludes(rules, region, repository, undefined));
}

/** Without a tag: whether nothing of the repository may be there. */
function excludes(rules: readonly CheckedRule[], region: string, repository: string, tag: string | undefined): boolean {
  for (const rule of rules) {
    const concerned = rule.regions.includes('*') || rule.regions.includes(region);
    if (!concerned || !matches(rule.repositories, repository)) continue;
    if (rule.tags === undefined) return rule.action === 'exclude';
    if (tag === undefined && rule.action !== 'exclude') return false;
    if (tag !== undefined && matches(rule.tags, tag)) return rule.action === 'exclude';
  }
  return false;
}

function matches(pattern: string, name: string): boolean {
  const escaped = pattern.replaceAll('.', '\\.');
  const expression = escaped.replaceAll(/\*\*|\*/g, (stars) => (stars === '**' ? '.*' : '[^/]*'));
  return new RegExp(`^${expression}$`).test(name);
}
