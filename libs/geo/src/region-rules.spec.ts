import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseRepositoryName, parseTag } from '#libs/oci';
import { type Policy, parsePolicy } from './policy.js';
import { parseRegionName } from './region.js';
import { loosens, mayLoosen, RegionRules } from './region-rules.js';

const ap = parseRegionName('ap');
const tagsOf = (...tags: string[]) => tags.map(parseTag);

function rulesOf(...rules: object[]): RegionRules {
  return new RegionRules(policyOf(...rules), ap);
}

function policyOf(...rules: object[]): Policy {
  return parsePolicy({ rules: rules.map((rule) => ({ regions: ['ap'], repositories: '**', ...rule })) });
}

describe('RegionRules', () => {
  const app = parseRepositoryName('team/app');

  it('includes what no rule is about', () => {
    expect(rulesOf().decide(app, tagsOf('v1'))).toEqual({ action: 'include', elsewhere: 'redirect' });
    expect(rulesOf({ regions: ['us'], action: 'exclude' }).share(app)).toBe('all');
  });

  it('gives the primary everything', () => {
    const policy = policyOf({ regions: ['*'], action: 'exclude' });
    expect(new RegionRules(policy, undefined).share(app)).toBe('all');
    expect(new RegionRules(policy, ap).share(app)).toBe('none');
  });

  it('lets the first rule decide', () => {
    const rules = rulesOf({ repositories: 'team/*', action: 'include' }, { action: 'exclude', elsewhere: 'deny' });
    expect(rules.decide(app, tagsOf('v1'))).toMatchObject({ action: 'include', rule: 0 });
    expect(rules.decide(parseRepositoryName('other'), [])).toMatchObject({
      action: 'exclude',
      rule: 1,
      elsewhere: 'deny',
    });
  });

  it('keeps a manifest for the tag that asks most', () => {
    const rules = rulesOf({ tags: 'dev-*', action: 'exclude' }, { tags: 'rc-*', action: 'on-demand' });
    expect(rules.decide(app, tagsOf('dev-1')).action).toBe('exclude');
    expect(rules.decide(app, tagsOf('dev-1', 'rc-1')).action).toBe('on-demand');
    expect(rules.decide(app, tagsOf('dev-1', 'rc-1', 'v1')).action).toBe('include');
    expect(rules.decide(app, []).action).toBe('include');
    expect(rules.share(app)).toBe('some');
  });

  it('shows what has no tag where it may belong to a tag that is kept', () => {
    const rules = rulesOf({ tags: 'v*', action: 'include' }, { action: 'exclude' });
    expect(rules.decide(app, []).action).toBe('on-demand');
    expect(rules.decide(app, tagsOf('dev')).action).toBe('exclude');
    expect(rulesOf({ tags: 'v*', action: 'exclude' }, { action: 'exclude' }).decide(app, []).action).toBe('exclude');
  });
});

const someRule = fc.record({
  repositories: fc.constantFrom('**', 'a/*', 'a/b', 'b'),
  tags: fc.option(fc.constantFrom('v*', 'v1', 'dev'), { nil: undefined }),
  action: fc.constantFrom('include', 'exclude', 'on-demand'),
});
const someRules = fc
  .array(someRule, { maxLength: 6 })
  .map((rules) => rules.map((rule) => JSON.parse(JSON.stringify(rule))));
const someRepository = fc.constantFrom('a/b', 'a/c', 'b').map(parseRepositoryName);
const someTags = fc.subarray(['v1', 'v2', 'dev']).map((tags) => tags.map(parseTag));

describe('the rules of a region, whatever they are', () => {
  it('decide what a walk over all of them decides', () => {
    fc.assert(
      fc.property(someRules, someRepository, fc.constantFrom('v1', 'v2', 'dev'), (rules, repository, tag) => {
        const names: Record<string, RegExp> = { '**': /./, 'a/*': /^a\//, 'a/b': /^a\/b$/, b: /^b$/ };
        const tags: Record<string, RegExp> = { 'v*': /^v/, v1: /^v1$/, dev: /^dev$/ };
        const first = rules.findIndex(
          (rule) =>
            names[rule.repositories]?.test(repository) && (rule.tags === undefined || tags[rule.tags]?.test(tag)),
        );
        const found = rulesOf(...rules).decideTag(repository, parseTag(tag));
        expect(found.rule).toBe(first === -1 ? undefined : first);
        expect(found.action).toBe(first === -1 ? 'include' : rules[first].action);
      }),
    );
  });

  it('keep nothing where they say none, and everything where they say all', () => {
    fc.assert(
      fc.property(someRules, someRepository, someTags, (rules, repository, tags) => {
        const compiled = rulesOf(...rules);
        const { action } = compiled.decide(repository, tags);
        if (compiled.share(repository) === 'none') expect(action).toBe('exclude');
        if (compiled.share(repository) === 'all') expect(action).not.toBe('exclude');
      }),
    );
  });

  it('loosen nothing where another exclusion was put in anywhere', () => {
    const change = { rules: someRules, added: someRule, place: fc.nat(6) };
    fc.assert(
      fc.property(fc.record(change), someRepository, someTags, ({ rules, added, place }, repository, tags) => {
        const more = JSON.parse(JSON.stringify({ ...added, action: 'exclude' }));
        const [from, to] = [policyOf(...rules), policyOf(...rules.slice(0, place), more, ...rules.slice(place))];
        expect(mayLoosen(from, to)).toBe(false);
        const decided = (policy: Policy) => new RegionRules(policy, ap).decide(repository, tags);
        expect(loosens(decided(from), decided(to))).toBe(false);
      }),
    );
  });

  it('are said to loosen whenever they do', () => {
    fc.assert(
      fc.property(someRules, someRules, someRepository, someTags, (before, after, repository, tags) => {
        const [from, to] = [policyOf(...before), policyOf(...after)];
        const decided = (policy: Policy) => new RegionRules(policy, ap).decide(repository, tags);
        if (loosens(decided(from), decided(to))) expect(mayLoosen(from, to)).toBe(true);
      }),
    );
  });
});
