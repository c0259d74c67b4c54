import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseRepositoryName } from '#libs/oci';
import { freshProgress } from '#libs/replication';
import {
  ask,
  codesOf,
  MANIFEST_DIGEST,
  manifestOf,
  putManifest,
  putSample,
  startTestRegion,
  TEN_DIGEST,
  type TestRegion,
} from '../testing/index.js';

const OTHER = manifestOf(TEN_DIGEST, 10, { annotations: { other: 'one' } });
const READS = [
  '/v2/team/app/manifests/v1',
  '/v2/team/app/tags/list',
  `/v2/team/app/referrers/${MANIFEST_DIGEST}`,
  '/v2/_catalog',
];

let primary: TestRegion;
let replica: TestRegion;
beforeEach(async () => {
  primary = await startTestRegion();
  replica = await startTestRegion({ name: 'north', primaryOrigin: primary.origin });
  await putSample(primary.origin);
});
afterEach(() => Promise.all([replica.close(), primary.close()]));

const read = (region: TestRegion, path: string, token: string, headers: Record<string, string> = {}) =>
  ask(region.origin, { method: 'GET', path, headers: { 'meridian-min-sequence': token, ...headers } });

/** The replica has applied everything up to there; the test does not copy anything. */
function applied(watermark: number): void {
  replica.status.update({ ...freshProgress('test'), watermark, head: watermark });
}

describe('a read that asks for at least some state', () => {
  it.each(READS)('%s comes from the primary as long as this region is behind', async (path) => {
    const answer = await read(replica, path, '1');
    expect([answer.status, answer.headers['meridian-region']]).toEqual([200, 'north']);
    expect(answer.body).toEqual((await ask(primary.origin, { method: 'GET', path })).body);
  });

  it('says that a manifest came from elsewhere, and answers HEAD and conditions as well', async () => {
    const [path = ''] = READS;
    expect((await read(replica, path, '1')).headers['meridian-source']).toBe('peer');
    const headers = { 'meridian-min-sequence': '1' };
    const head = await ask(replica.origin, { method: 'HEAD', path, headers });
    expect([head.status, head.headers['docker-content-digest']]).toEqual([200, MANIFEST_DIGEST]);
    expect((await read(replica, path, '1', { 'if-none-match': `"${MANIFEST_DIGEST}"` })).status).toBe(304);
  });

  it.each(READS)('%s comes from here once everything up to there is applied here', async (path) => {
    applied(1);
    const here = await ask(replica.origin, { method: 'GET', path });
    expect((await read(replica, path, '1')).status).toBe(here.status);
    expect((await read(replica, path, '1')).body).toEqual(here.body);
  });

  it('comes from here when only other repositories lack something up to there', async () => {
    const behind = (repository: string) =>
      replica.status.update({
        ...freshProgress('test'),
        ...{ watermark: 1, beyond: [3], head: 3, heardMs: Date.parse('2030-01-01') },
        settled: { upTo: 3, except: [parseRepositoryName(repository)] },
      });
    await putManifest(primary.origin, 'team/app', 'v2', OTHER);
    await ask(primary.origin, { method: 'DELETE', path: '/v2/team/app/manifests/v2' });
    behind('team/slow');
    expect((await read(replica, '/v2/team/app/tags/list', '3')).status).toBe(404);
    expect((await read(replica, '/v2/team/slow/tags/list', '3')).headers['meridian-region']).toBe('north');
    expect((await read(replica, '/v2/_catalog', '3')).body.toString()).toBe('{"repositories":["team/app"]}');
  });

  it('waits a little for what is on its way', async () => {
    const reading = read(replica, '/v2/_catalog', '1');
    applied(1);
    expect((await reading).body.toString()).toBe('{"repositories":[]}');
  });

  it.each(READS)('%s is not yet there when the primary cannot be asked', async (path) => {
    await primary.close();
    replica.status.update({ ...freshProgress('test'), head: 5, backlog: { entries: 5, bytes: 80 * 1024 ** 2 } });
    const answer = await read(replica, path, '3');
    expect([answer.status, codesOf(answer), answer.headers['retry-after']]).toEqual([
      503,
      ['REPLICATION_PENDING'],
      '10',
    ]);
    const [error] = JSON.parse(answer.body.toString()).errors;
    expect(error.detail).toMatchObject({ region: 'north', sequence: 3, applied: 0, head: 5, backlog: { entries: 5 } });
  });

  it('is told by the primary itself what was never committed', async () => {
    for (const region of [primary, replica]) {
      const answer = await read(region, '/v2/team/app/tags/list', '2');
      expect([answer.status, codesOf(answer)]).toEqual([503, ['REPLICATION_PENDING']]);
      expect(answer.headers['retry-after']).toBeDefined();
    }
  });

  it('sees a push by the sequence of its answer', async () => {
    await putManifest(primary.origin, 'team/app', 'v2', OTHER);
    expect((await read(replica, '/v2/team/app/manifests/v2', '2')).body.toString()).toBe(OTHER);
  });

  it.each(['', 'x', '-1', '1, 2'])('is refused with 400 for the token %j', async (token) => {
    for (const path of READS) {
      const answer = await read(replica, path, token);
      expect([answer.status, codesOf(answer)]).toEqual([400, ['UNSUPPORTED']]);
    }
  });

  it('goes on to the next page of the primary with the address of this region', async () => {
    await putManifest(primary.origin, 'team/app', 'v2', OTHER);
    const answer = await read(replica, '/v2/team/app/tags/list?n=1', '2');
    expect(answer.headers.link).toBe('</v2/team/app/tags/list?n=1&last=v1>; rel="next"');
  });
});
