import { type Glob, parseGlob } from './glob.js';
import { parseRegionName, type RegionName } from './region.js';

/** What a region does with an image. `on-demand`: it shows the image and copies its blobs when somebody pulls them. */
export type PolicyAction = 'include' | 'exclude' | 'on-demand';

/** What a region answers that must not have what it is asked for. `redirect`: go to the primary. `deny`: 403. */
export type Elsewhere = 'redirect' | 'deny';

export interface PolicyRule {
  /** Replicas by name; `*`: all of them. The primary has everything, whatever a rule says. */
  readonly regions: readonly (RegionName | '*')[];
  readonly repositories: Glob;
  /** Without it the rule is about all of the repository, also about what has no tag. */
  readonly tags?: Glob;
  readonly action: PolicyAction;
  /** Of the tags that the rule is the first to match, in each repository: so many of those that were set last. */
  readonly newest?: number;
  readonly elsewhere: Elsewhere;
}

/** Which region has what: the first rule that matches decides, and what none matches is included. */
export interface Policy {
  readonly rules: readonly PolicyRule[];
}

export const EMPTY_POLICY: Policy = { rules: [] };

export const MAX_POLICY_RULES = 1_000;
const MAX_RULE_REGIONS = 100;
const MAX_NEWEST = 10_000;

/** As JSON; it rides in an entry of the journal and on a line of its stream. */
export const MAX_POLICY_BYTES = 512 * 1024;

/** Something that is no policy, and what is wrong with it, with its place: `rules[2].tags: …`. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
}

/** @throws PolicyError */
export function parsePolicy(value: unknown): Policy {
  const fields = objectOf('policy', value, ['rules']);
  if (!Array.isArray(fields.rules)) throw new PolicyError('rules: a list is needed');
  if (fields.rules.length > MAX_POLICY_RULES) throw new PolicyError(`rules: at most ${MAX_POLICY_RULES}`);
  const policy = { rules: fields.rules.map((rule, index) => parseRule(`rules[${index}]`, rule)) };
  if (Buffer.byteLength(JSON.stringify(policy)) > MAX_POLICY_BYTES) {
    throw new PolicyError(`a policy has at most ${MAX_POLICY_BYTES} bytes`);
  }
  return policy;
}

const RULE_FIELDS = ['regions', 'repositories', 'tags', 'action', 'newest', 'elsewhere'];

function parseRule(at: string, value: unknown): PolicyRule {
  const { regions, repositories, tags, action, newest, elsewhere = 'redirect' } = objectOf(at, value, RULE_FIELDS);
  const rule = {
    regions: regionsOf(`${at}.regions`, regions),
    repositories: globOf(`${at}.repositories`, repositories),
    ...(tags === undefined ? {} : { tags: globOf(`${at}.tags`, tags) }),
    action: oneOf<PolicyAction>(`${at}.action`, action, ['include', 'exclude', 'on-demand']),
    ...(newest === undefined ? {} : { newest: countOf(`${at}.newest`, newest) }),
    elsewhere: oneOf<Elsewhere>(`${at}.elsewhere`, elsewhere, ['redirect', 'deny']),
  };
  if (rule.action === 'exclude' && rule.newest !== undefined) {
    throw new PolicyError(`${at}.newest: nothing is kept of what is excluded`);
  }
  return rule;
}

function objectOf(at: string, value: unknown, known: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new PolicyError(`${at}: an object is needed`);
  }
  const unknown = Object.keys(value).filter((key) => !known.includes(key));
  // A word that is misspelt must not make a rule wider than it was meant.
  if (unknown.length > 0) throw new PolicyError(`${at}: unknown: ${unknown.join(', ')}; known: ${known.join(', ')}`);
  return value as Readonly<Record<string, unknown>>;
}

function regionsOf(at: string, value: unknown): readonly (RegionName | '*')[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_RULE_REGIONS) {
    throw new PolicyError(`${at}: a list of 1 to ${MAX_RULE_REGIONS} names, or ["*"]`);
  }
  return value.map((name) => (name === '*' ? '*' : parsed(at, name, parseRegionName)));
}

const globOf = (at: string, value: unknown): Glob => parsed(at, value, parseGlob);

function parsed<T>(at: string, value: unknown, parse: (text: string) => T): T {
  if (typeof value !== 'string') throw new PolicyError(`${at}: a text is needed`);
  try {
    return parse(value);
  } catch (cause) {
    throw new PolicyError(`${at}: ${cause instanceof Error ? cause.message : 'invalid'}`, { cause });
  }
}

function oneOf<T extends string>(at: string, value: unknown, choices: readonly T[]): T {
  const chosen = choices.find((choice) => choice === value);
  if (chosen === undefined) throw new PolicyError(`${at}: one of ${choices.join(', ')}`);
  return chosen;
}

function countOf(at: string, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_NEWEST) return value;
  throw new PolicyError(`${at}: a whole number from 1 to ${MAX_NEWEST}`);
}
