import { describe, expect, it } from '@jest/globals';
import { parsePolicy, parseRegionName } from '#libs/geo';
import { parseRepositoryName, parseTag } from '#libs/oci';
import { KnownPolicies } from './known-policies.js';

const [us, ap] = [parseRegionName('us'), parseRegionName('ap')];
const app = parseRepositoryName('secret/app');
const nothing = parsePolicy({ rules: [] });
const strict = parsePolicy({ rules: [{ regions: ['ap'], repositories: 'secret/**', action: 'exclude' }] });
const byTag = parsePolicy({ rules: [{ regions: ['ap'], repositories: '**', tags: 'dev', action: 'exclude' }] });

function heard(...policies: readonly (readonly [number, typeof strict])[]): KnownPolicies {
  const known = new KnownPolicies();
  for (const [seq, policy] of policies) known.learn({ seq, policy });
  for (const region of [us, ap]) known.follows(region, 0);
  return known;
}

describe('KnownPolicies', () => {
  it('excludes nothing as long as there is no policy', () => {
    expect(heard().excludes(ap, app, undefined)).toBe(false);
  });

  it('excludes what the newest policy takes away at once, in that region', () => {
    const known = heard([3, strict]);
    expect([known.excludes(ap, app, undefined), known.excludes(us, app, undefined)]).toEqual([true, false]);
    expect(known.excludes(ap, parseRepositoryName('open'), undefined)).toBe(false);
  });

  it('excludes a tag alone where the policy says so', () => {
    const known = heard([3, byTag]);
    expect(known.excludes(ap, app, parseTag('dev'))).toBe(true);
    expect(known.excludes(ap, app, parseTag('v1'))).toBe(false);
    expect(known.excludes(ap, app, undefined)).toBe(false);
  });

  it('goes on excluding what a policy gives until the region follows it', () => {
    const known = heard([3, strict]);
    known.follows(ap, 3);
    known.learn({ seq: 5, policy: nothing });
    expect(known.excludes(ap, app, undefined)).toBe(true);
    known.follows(ap, 5);
    expect(known.excludes(ap, app, undefined)).toBe(false);
  });

  it('excludes what a policy took away that was replaced before the region followed it', () => {
    const known = heard([3, nothing]);
    known.follows(ap, 3);
    known.learn({ seq: 5, policy: strict });
    known.learn({ seq: 7, policy: nothing });
    expect([known.excludes(ap, app, undefined), known.excludes(us, app, undefined)]).toEqual([true, false]);
    known.follows(ap, 5);
    expect(known.excludes(ap, app, undefined)).toBe(true);
    known.follows(ap, 7);
    expect(known.excludes(ap, app, undefined)).toBe(false);
  });

  it('asks nothing of a region that may come through a policy that was never heard of', () => {
    const known = heard([3, nothing]);
    known.follows(ap, 3);
    known.begin({ seq: 7, policy: nothing });
    expect(known.excludes(ap, app, undefined)).toBe(true);
    known.learn({ seq: 5, policy: strict });
    expect(known.excludes(ap, app, undefined)).toBe(true);
    known.follows(ap, 7);
    expect(known.excludes(ap, app, undefined)).toBe(false);
  });

  it('hears nothing new when it is told once more what is the newest', () => {
    const known = heard([3, nothing], [5, byTag]);
    known.follows(ap, 3);
    known.begin({ seq: 5, policy: byTag });
    expect(known.excludes(ap, app, undefined)).toBe(false);
  });

  it('asks nothing of a region that comes from a policy that was never heard of', () => {
    const known = heard([5, nothing]);
    known.follows(ap, 4);
    expect(known.excludes(ap, app, undefined)).toBe(true);
    known.follows(ap, 5);
    expect(known.excludes(ap, app, undefined)).toBe(false);
  });

  it('leaves aside a policy that is older than one it knows', () => {
    const known = heard([5, strict], [3, nothing]);
    expect(known.excludes(ap, app, undefined)).toBe(true);
  });
});
