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
