import { describe, expect, it } from '@jest/globals';
import { MAX_POLICY_RULES, PolicyError, parsePolicy } from './policy.js';

const rule = { regions: ['ap'], repositories: 'team/**', action: 'exclude', elsewhere: 'deny' };

describe('parsePolicy', () => {
  it('takes what it gave', () => {
    const policy = parsePolicy({ rules: [rule, { regions: ['*'], repositories: '**', action: 'include', newest: 3 }] });
    expect(parsePolicy(JSON.parse(JSON.stringify(policy)))).toEqual(policy);
    expect(policy.rules[1]?.elsewhere).toBe('redirect');
  });

  it.each([
    ['policy', []],
    ['rules', {}],
    ['rules', { rules: Array.from({ length: MAX_POLICY_RULES + 1 }, () => rule) }],
    ['policy', { rules: [], more: 1 }],
    ['rules[0]', { rules: [{ ...rule, repository: 'a' }] }],
    ['rules[0].regions', { rules: [{ ...rule, regions: [] }] }],
    ['rules[0].regions', { rules: [{ ...rule, regions: ['A B'] }] }],
    ['rules[1].repositories', { rules: [rule, { ...rule, repositories: '' }] }],
    ['rules[0].tags', { rules: [{ ...rule, tags: 7 }] }],
    ['rules[0].action', { rules: [{ ...rule, action: 'forbid' }] }],
    ['rules[0].newest', { rules: [{ ...rule, newest: 2 }] }],
    ['rules[0].newest', { rules: [{ ...rule, action: 'include', newest: 0 }] }],
    ['rules[0].elsewhere', { rules: [{ ...rule, elsewhere: 'anywhere' }] }],
  ])('says that something is wrong with %s', (place, value) => {
    expect(() => parsePolicy(value)).toThrow(PolicyError);
    expect(() => parsePolicy(value)).toThrow(new RegExp(`^${place.replaceAll(/[[\].]/g, '\\$&')}:`));
  });

  it('refuses a policy that is too large for a line of the journal', () => {
    const long = { ...rule, repositories: 'a'.repeat(255), tags: 'b'.repeat(255), regions: [] as string[] };
    const regions = Array.from({ length: 100 }, (_, at) => `region-${at}`);
    expect(() => parsePolicy({ rules: Array.from({ length: 1_000 }, () => ({ ...long, regions })) })).toThrow(/bytes/);
  });
});
