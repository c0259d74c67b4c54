import type { RepositoryName, Tag } from '#libs/oci';
import { compileGlob } from './glob.js';
import type { Elsewhere, Policy, PolicyAction, PolicyRule } from './policy.js';
import type { RegionName } from './region.js';

/** What a region does with an image, and why. */
export interface Decision {
  readonly action: PolicyAction;
  readonly elsewhere: Elsewhere;
  /** Tags that the rule keeps in a repository. */
  readonly newest?: number;
  /** The rule's place in the policy, from 0; absent: none matched. */
  readonly rule?: number;
}

/** What of a repository a region may have: tags decide where it is `some`. */
export type Share = 'all' | 'some' | 'none';

interface CompiledRule {
  readonly repositories: (name: string) => boolean;
  readonly tags: ((name: string) => boolean) | undefined;
  readonly decision: Decision;
}

const INCLUDED: Decision = { action: 'include', elsewhere: 'redirect' };

const RANK: Readonly<Record<PolicyAction, number>> = { exclude: 0, 'on-demand': 1, include: 2 };

/** Repositories whose rules are remembered; a rule costs a walk over its pattern. */
const REMEMBERED = 10_000;

/** How a policy reads in one region. Pure: the same question has the same answer. */
export class RegionRules {
  readonly #rules: readonly CompiledRule[];
  readonly #remembered = new Map<RepositoryName, readonly CompiledRule[]>();

  /** `undefined`: the primary, which has everything. */
  constructor(policy: Policy, region: RegionName | undefined) {
    this.#rules = policy.rules.flatMap((rule, index) => (applies(rule, region) ? [compile(rule, index)] : []));
  }

  /** Whether anything at all is not simply included. */
  get restricts(): boolean {
    return this.#rules.some(({ decision }) => decision.action !== 'include' || decision.newest !== undefined);
  }

  /** Of a manifest under those tags: what is most for any of them. */
  decide(repository: RepositoryName, tags: readonly Tag[]): Decision {
    const [first, ...others] = tags.map((tag) => this.decideTag(repository, tag));
    if (first === undefined) return this.decideUntagged(repository);
    return others.reduce((most, other) => (RANK[other.action] > RANK[most.action] ? other : most), first);
  }

  decideTag(repository: RepositoryName, tag: Tag): Decision {
    const rule = this.#rulesOf(repository).find(({ tags }) => tags === undefined || tags(tag));
    return rule?.decision ?? INCLUDED;
  }

  /**
   * Rules about tags say nothing of a manifest without one. Where some tags are kept and the rest is not, it may belong to
   * what is kept (the children of an index come first, and have no tags): then it is shown, and its blobs are not copied.
   */
  decideUntagged(repository: RepositoryName): Decision {
    const rules = this.#rulesOf(repository);
    const decision = rules.find(({ tags }) => tags === undefined)?.decision ?? INCLUDED;
    const keepsSome = rules.some((rule) => rule.decision.action !== 'exclude');
    return decision.action === 'exclude' && keepsSome ? { ...decision, action: 'on-demand' } : decision;
  }

  /** Whether anything of a repository is not simply included. */
  touches(repository: RepositoryName): boolean {
    return this.limits(repository) || this.#rulesOf(repository).some(({ decision }) => decision.action !== 'include');
  }

  /** Whether a region may ever have to let go of something of a repository. */
  limits(repository: RepositoryName): boolean {
    return this.#rulesOf(repository).some(
      ({ decision }) => decision.action === 'exclude' || decision.newest !== undefined,
    );
  }

  share(repository: RepositoryName): Share {
    const decisions = this.#rulesOf(repository).map(({ decision }) => decision.action);
    const excluded = decisions.filter((action) => action === 'exclude').length;
    if (excluded === 0) return 'all';
    return excluded === decisions.length && this.#isFinal(repository) ? 'none' : 'some';
  }

  /** Why a region does not have what it was asked for by digest, in a repository of which it has {@link Share} less than all. */
  refusal(repository: RepositoryName): Decision {
    return this.#rulesOf(repository).find(({ decision }) => decision.action === 'exclude')?.decision ?? INCLUDED;
  }

  /** Whether the last rule is one about everything in the repository. */
  #isFinal(repository: RepositoryName): boolean {
    const last = this.#rulesOf(repository).at(-1);
    return last !== undefined && last.tags === undefined;
  }

  /** Those that match, up to the first that leaves nothing to the next. */
  #rulesOf(repository: RepositoryName): readonly CompiledRule[] {
    const known = this.#remembered.get(repository);
    if (known !== undefined) return known;
    const matching = this.#rules.filter((rule) => rule.repositories(repository));
    const final = matching.findIndex(({ tags }) => tags === undefined);
    const rules = final === -1 ? matching : matching.slice(0, final + 1);
    if (this.#remembered.size >= REMEMBERED) this.#remembered.clear();
    this.#remembered.set(repository, rules);
    return rules;
  }
}

/** Whether something is kept under `to` that was not, or not as fully, under `from`; of a manifest under those tags. */
export function loosens(from: Decision, to: Decision): boolean {
  if (RANK[to.action] > RANK[from.action]) return true;
  return to.action !== 'exclude' && (to.newest ?? Number.POSITIVE_INFINITY) > (from.newest ?? Number.POSITIVE_INFINITY);
}

/** Whether `to` might keep anything that `from` did not. Rules that exclude more, put anywhere between those there, do not. */
export function mayLoosen(from: Policy, to: Policy): boolean {
  const before = from.rules.map((rule) => JSON.stringify(rule));
  let next = 0;
  for (const rule of to.rules) {
    if (JSON.stringify(rule) === before[next]) next += 1;
    else if (rule.action !== 'exclude') return true;
  }
  return next < before.length;
}

function applies({ regions }: PolicyRule, region: RegionName | undefined): boolean {
  return region !== undefined && (regions.includes('*') || regions.includes(region));
}

function compile({ repositories, tags, action, elsewhere, newest }: PolicyRule, rule: number): CompiledRule {
  return {
    repositories: compileGlob(repositories),
    tags: tags === undefined ? undefined : compileGlob(tags),
    decision: { action, elsewhere, rule, ...(newest === undefined ? {} : { newest }) },
  };
}
