import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { parseRegionName, type RegionSite } from '#libs/geo';
import { noGuard } from '#libs/journal/testing';
import { putPolicy } from '#libs/registry';
import { foresee } from '#libs/replication';
import { MemoryPrimary } from '#libs/replication/testing';
import { systemClock, systemRandom } from '#libs/resilience';
import { PolicyController, type PolicyOptions, type PolicyWrites } from './policy.controller.js';
import { POLICY_OPTIONS } from './tokens.js';

const rule = { regions: ['ap'], repositories: 'team/**', action: 'exclude', elsewhere: 'deny' };

describe('the policy, as operators see it', () => {
  let nest: NestFastifyApplication;
  let primary: MemoryPrimary;
  let writes: PolicyWrites | undefined;

  beforeEach(async () => {
    primary = await MemoryPrimary.open(systemClock, systemRandom);
    const { content, journal } = primary;
    const regions = [site('eu', 'primary'), site('us', 'replica'), site('ap', 'replica')];
    const replicas = regions.slice(1).map(({ name }) => name);
    writes = {
      put: (policy, expectedSeq, signal) => putPolicy(content, journal, policy, expectedSeq, signal),
      foresee: (from, to, signal) => foresee(content, { from, to, regions: replicas }, signal),
    };
    const options: PolicyOptions = { policies: content.policies, regions, writes: () => writes };
    const providers = [{ provide: POLICY_OPTIONS, useValue: options }];
    const testing = await Test.createTestingModule({ controllers: [PolicyController], providers }).compile();
    nest = testing.createNestApplication<NestFastifyApplication>(new FastifyAdapter({ forceCloseConnections: true }));
    await nest.listen(0, '127.0.0.1');
  });

  afterEach(() => Promise.all([nest.close(), primary.close()]));

  async function ask(method: string, path = '', body?: unknown, match?: string) {
    const answer = await fetch(`${await nest.getUrl()}/admin/v1/policy${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(match === undefined ? {} : { 'if-match': match }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, etag: answer.headers.get('etag'), body: (await answer.json()) as object };
  }

  it('is none at first, and then what was put', async () => {
    expect(await ask('GET')).toEqual({
      status: 200,
      etag: '"0"',
      body: { seq: 0, policy: { rules: [] }, enforcedSeq: 0 },
    });
    const put = await ask('PUT', '', { rules: [rule] }, '"0"');
    expect(put).toEqual({ status: 200, etag: '"1"', body: { seq: 1, policy: { rules: [rule] } } });
    expect(await ask('GET')).toMatchObject({ etag: '"1"', body: { seq: 1, policy: { rules: [rule] } } });
  });

  it.each([
    ['without saying what is replaced', { rules: [] }, undefined, 428, /If-Match/],
    ['in the place of one that is not there', { rules: [] }, '"7"', 412, /entry 0/],
    ['that is none', { rules: [{ ...rule, action: 'forbid' }] }, '0', 400, /^rules\[0\]\.action: one of/],
    ['of a region that there is not', { rules: [{ ...rule, regions: ['pa'] }] }, '0', 400, /no such region: pa/],
    ['that takes from the primary', { rules: [{ ...rule, regions: ['eu'] }] }, '0', 400, /eu is the primary/],
  ])('refuses one %s', async (_, body, match, status, error) => {
    expect(await ask('PUT', '', body, match)).toMatchObject({ status, body: { error: expect.stringMatching(error) } });
    expect(await ask('GET')).toMatchObject({ body: { seq: 0 } });
  });

  it('is changed at the primary alone', async () => {
    writes = undefined;
    expect(await ask('PUT', '', { rules: [] }, '0')).toMatchObject({
      status: 409,
      body: { error: expect.stringContaining('eu') },
    });
  });

  it('says what it would copy and remove, and changes nothing', async () => {
    const blob = await primary.blob('0123456789');
    await primary.image('image', [blob], 'v1', 'v2');
    const first = await ask('POST', '/dry-run', { rules: [rule] });
    const nothing = { tags: 0, bytes: 0 };
    expect(first).toMatchObject({
      status: 200,
      body: {
        seq: 0,
        regions: [
          { region: 'us', copied: nothing, removed: nothing },
          { region: 'ap', copied: nothing, removed: { tags: 2, bytes: 10 } },
        ],
      },
    });
    await primary.journal.append({ type: 'policy.put', policy: { rules: [] } }, noGuard, new AbortController().signal);
    await ask('PUT', '', { rules: [rule] }, '2');
    const newest = { regions: ['*'], repositories: '**', action: 'include', newest: 1 };
    const second = await ask('POST', '/dry-run', { rules: [newest] });
    expect(second.body).toMatchObject({
      regions: [
        { region: 'us', copied: nothing, removed: { tags: 1, bytes: 0 } },
        { region: 'ap', copied: { tags: 1, bytes: 10 }, removed: nothing },
      ],
    });
  });
});

function site(name: string, role: RegionSite['role']): RegionSite {
  return { name: parseRegionName(name), role, publicUrl: `http://${name}.test`, peerUrl: `http://${name}.test` };
}
