import { describe, expect, it } from '@jest/globals';
import { policyIsKept } from './policy-kept.js';
import type { RegionState } from './region-state.js';

const rules = [
  { regions: ['ap'], repositories: 'ci/**', tags: 'v*', action: 'include' },
  { regions: ['*'], repositories: 'ci/**', tags: 'pr-*', action: 'exclude' },
  { regions: ['ap'], repositories: 'ci/**', action: 'exclude' },
  { regions: ['ap'], repositories: 'secret/*', action: 'exclude' },
];

function holding(held: {
  readonly tag?: string;
  readonly manifest?: string;
  readonly repository?: string;
}): RegionState {
  const manifest = { seq: 1, live: true, blobs: [], children: [], whole: true };
  return {
    tags: new Map(held.tag === undefined ? [] : [[held.tag, { seq: 1, digest: 'sha256:1' }]]),
    manifests: new Map(held.manifest === undefined ? [] : [[held.manifest, manifest]]),
    links: new Map(),
    referrers: new Map(),
    catalog: held.repository === undefined ? [] : [held.repository],
    blobs: new Map(),
    watermark: 1,
    beyond: [],
    policies: [],
  };
}

describe('C7, the policy is kept', () => {
  it.each([
    [{ tag: 'ci/app:v1' }, 'ap', 0],
    [{ tag: 'ci/app:pr-1' }, 'ap', 1],
    [{ tag: 'ci/app:pr-1' }, 'us', 1],
    [{ tag: 'ci/app:other' }, 'us', 0],
    [{ manifest: 'ci/app@sha256:1' }, 'ap', 0],
    [{ manifest: 'secret/app@sha256:1' }, 'ap', 1],
    [{ manifest: 'secret/app@sha256:1' }, 'us', 0],
    [{ repository: 'secret/app' }, 'ap', 1],
    [{ manifest: 'secret/a/b@sha256:1' }, 'ap', 0],
  ])('%j in %s: %s found', (held, region, found) => {
    expect(policyIsKept(region, rules, holding(held))).toHaveLength(found);
  });
});
