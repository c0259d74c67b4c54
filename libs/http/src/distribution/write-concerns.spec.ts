import { afterEach, describe, expect, it } from '@jest/globals';
import { parseRegionName } from '#libs/geo';
import { MEDIA_TYPES } from '#libs/oci';
import type { ImageName, ImagePresence, PeerClient, RegionStatus } from '#libs/peer';
import { systemClock } from '#libs/resilience';
import {
  type Answer,
  ask,
  codesOf,
  MANIFEST,
  MANIFEST_DIGEST,
  putBlob,
  startTestRegion,
  TEN_BYTES,
  type TestRegion,
  type TestRegionOptions,
} from '../testing/index.js';

/** Another region: how far it is, and whether it answers. */
class FakePeer {
  readonly region;
  applied = 0;
  stored = true;
  answers = true;
  asked = 0;

  constructor(name: string) {
    this.region = parseRegionName(name);
  }

  async presence({ repository }: ImageName): Promise<ImagePresence> {
    this.asked += 1;
    if (!this.answers) throw new Error('the link is cut');
    const state = this.stored ? 'present' : 'copying';
    const missing = this.stored ? [] : [MANIFEST_DIGEST];
    const { region } = this;
    return { region, repository, state, digest: MANIFEST_DIGEST, bytes: { done: 1, total: 9 }, missing, timeMs: 1 };
  }

  async *statusStream(signal: AbortSignal): AsyncGenerator<RegionStatus> {
    for (;;) {
      if (!this.answers) throw new Error('the link is cut');
      yield { watermark: this.applied, beyond: [] } as unknown as RegionStatus;
      await systemClock.sleep(5, signal);
    }
  }

  get client(): PeerClient {
    return this as unknown as PeerClient;
  }
}

let region: TestRegion | undefined;
afterEach(() => region?.close());

async function open(options: TestRegionOptions = {}) {
  const peers = ['west', 'north'].map((name) => new FakePeer(name));
  region = await startTestRegion({ peers: peers.map(({ client }) => client), ...options });
  await putBlob(region.origin, 'team/app', TEN_BYTES);
  const [west, north] = peers as [FakePeer, FakePeer];
  return { west, north, origin: region.origin };
}

function push(origin: string, concern?: string, reference = 'v1'): Promise<Answer> {
  const headers = {
    'content-type': MEDIA_TYPES.ociManifest,
    ...(concern === undefined ? {} : { 'meridian-write-concern': concern }),
  };
  return ask(origin, { method: 'PUT', path: `/v2/team/app/manifests/${reference}`, headers, body: MANIFEST });
}

const detailOf = (answer: Answer) => JSON.parse(answer.body.toString()).errors[0];

describe('a push with a write concern', () => {
  it('is answered when all regions have the image and its entry', async () => {
    const { west, north, origin } = await open();
    west.applied = 1;
    const pushing = push(origin, 'all; timeout=10s');
    while (west.asked === 0) await systemClock.sleep(5, new AbortController().signal);
    // It has the manifest by its digest, from an earlier push perhaps: the tag has not come.
    expect(north.asked).toBe(0);
    north.applied = 1;
    const answer = await pushing;
    expect([answer.status, answer.headers['meridian-present'], answer.headers['meridian-sequence']]).toEqual([
      201,
      'primary,west,north',
      '1',
    ]);
  });

  it.each([
    ['majority', 'primary,west'],
    ['regions=west', 'west'],
    ['regions=primary,west', 'primary,west'],
  ])('%s does not wait for others', async (concern, present) => {
    const { west, north, origin } = await open();
    west.applied = 1;
    north.answers = false;
    const answer = await push(origin, concern);
    expect([answer.status, answer.headers['meridian-present']]).toEqual([201, present]);
  });

  it('stands when the time is over, and says who lacks what', async () => {
    const { west, north, origin } = await open();
    west.applied = 1;
    west.stored = false;
    north.answers = false;
    const answer = await push(origin, 'all; timeout=300ms');
    expect([answer.status, codesOf(answer)]).toEqual([504, ['REPLICATION_PENDING']]);
    expect(answer.headers).toMatchObject({
      'meridian-sequence': '1',
      'meridian-present': 'primary',
      'docker-content-digest': MANIFEST_DIGEST,
    });
    const { message, detail } = detailOf(answer);
    expect(message).toMatch(/the push stands as change 1.*in west, north.*repeating it is safe/);
    expect(detail).toMatchObject({
      sequence: 1,
      digest: MANIFEST_DIGEST,
      present: ['primary'],
      lacking: [
        { region: 'west', state: 'copying', missing: [MANIFEST_DIGEST] },
        { region: 'north', silent: true },
      ],
    });
    expect((await ask(origin, { method: 'HEAD', path: '/v2/team/app/manifests/v1' })).status).toBe(200);
    Object.assign(west, { stored: true, applied: 2 });
    Object.assign(north, { answers: true, applied: 2 });
    expect((await push(origin, 'all')).status).toBe(201);
  });

  it.each(['regions=east', 'most', 'all; timeout=1h', ''])('%j is 400 before anything is written', async (concern) => {
    const { origin } = await open();
    const answer = await push(origin, concern);
    expect([answer.status, codesOf(answer)]).toEqual([400, ['UNSUPPORTED']]);
    expect((await ask(origin, { method: 'HEAD', path: '/v2/team/app/manifests/v1' })).status).toBe(404);
  });

  it('is not undone by a client that leaves', async () => {
    const { west, origin } = await open();
    const leaving = new AbortController();
    const headers = { 'content-type': MEDIA_TYPES.ociManifest, 'meridian-write-concern': 'all' };
    const options = { method: 'PUT', headers, body: MANIFEST, signal: leaving.signal };
    const pushing = fetch(`${origin}/v2/team/app/manifests/v1`, options);
    const gone = expect(pushing).rejects.toThrow();
    const pull = () => ask(origin, { method: 'GET', path: '/v2/team/app/manifests/v1' });
    while ((await pull()).status !== 200) await systemClock.sleep(5, new AbortController().signal);
    leaving.abort();
    await gone;
    expect((await pull()).body.toString()).toBe(MANIFEST);
    expect(west.asked).toBe(0);
  });

  it('is the same through a replica', async () => {
    const { west, north, origin } = await open();
    Object.assign(west, { applied: 1 });
    Object.assign(north, { applied: 1 });
    const replica = await startTestRegion({ name: 'south', primaryOrigin: origin });
    try {
      const answer = await push(replica.origin, 'all');
      expect([answer.status, answer.headers['meridian-present']]).toEqual([201, 'primary,west,north']);
      expect((await push(replica.origin, 'regions=mars')).status).toBe(400);
    } finally {
      await replica.close();
    }
  });

  it('may be ruled by the configuration, and the header overrides it', async () => {
    const writeConcerns = [{ repositories: 'team/*', concern: 'regions=west; timeout=100ms' }];
    const { origin } = await open({ writeConcerns });
    expect((await push(origin)).status).toBe(504);
    expect((await push(origin, 'regions=primary')).status).toBe(201);
  });
});
