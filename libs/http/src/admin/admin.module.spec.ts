import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { parseRegionName } from '#libs/geo';
import type { Entry } from '#libs/journal';
import { type Digest, digestOf, type Reference } from '#libs/oci';
import {
  type ControlChange,
  type FailedCopyReport,
  type ImageName,
  type ImagePresence,
  type JournalMessage,
  type PeerClient,
  PeerError,
  type RegionControl,
  type RegionStatus,
  type RegionSteering,
} from '#libs/peer';
import { type JournalSource, RegionWatch } from '#libs/replication';
import { Notifier, systemClock, systemRandom } from '#libs/resilience';
import { adminModule } from './admin.module.js';
import { ImageWait } from './image-wait.js';
import { RegionPresences } from './region-presences.js';

const old = digestOf('old');
const current = digestOf('current');

/** A region whose one tag is `v1`, and what it has of it. */
class FakeRegion {
  readonly region;
  reachable = true;
  readonly steering = new FakeSteering(this);
  tagged: Digest | undefined = current;
  stored: readonly Digest[] = [current];
  asked = 0;

  constructor(name: string) {
    this.region = parseRegionName(name);
  }

  readonly moved = new Notifier();
  watermark = 3;

  changes(_repeatMs: number, signal: AbortSignal): AsyncGenerator<RegionStatus> {
    return this.statusStream(signal);
  }

  async *statusStream(signal: AbortSignal): AsyncGenerator<RegionStatus> {
    for (;;) {
      const { version } = this.moved;
      this.reach();
      yield this.current();
      await this.moved.waitFor(version, { limitMs: 500, clock: systemClock, signal });
    }
  }

  advance(watermark: number): void {
    this.watermark = watermark;
    this.moved.notify();
  }

  current(): RegionStatus {
    return {
      region: this.region,
      role: this.region === 'south' ? 'primary' : 'replica',
      ready: true,
      generation: 'g1',
      epoch: 1,
      watermark: this.watermark,
      beyond: [],
      head: Math.max(3, this.watermark),
      oldestPendingMs: undefined,
      backlog: { entries: 0, bytes: 0 },
      heardMs: 1_000,
      policySeq: 0,
      failed: [],
      lagSeconds: 0,
      timeMs: 2_000,
    };
  }

  async status(): Promise<RegionStatus> {
    this.reach();
    return this.current();
  }

  async presence({ repository, reference }: ImageName): Promise<ImagePresence> {
    this.reach();
    this.asked += 1;
    const digest = this.#resolve(reference);
    const said = { region: this.region, repository, bytes: { done: 0, total: 9 }, missing: [], timeMs: 1 };
    if (digest === undefined) return { ...said, state: 'unknown' };
    return { ...said, digest, state: this.stored.includes(digest) ? 'present' : 'copying' };
  }

  get client(): PeerClient {
    return this as unknown as PeerClient;
  }

  #resolve(reference: Reference): Digest | undefined {
    if (reference.kind === 'digest') return reference.digest === current ? current : undefined;
    return reference.tag === 'v1' ? this.tagged : undefined;
  }

  reach(): void {
    if (!this.reachable) throw new PeerError('unreachable', this.region, 'the link is cut');
  }
}

/** What operators said of a region, and what was set aside there. */
class FakeSteering implements RegionSteering {
  said: RegionControl = { pausedSinceMs: undefined, limits: undefined };
  retries: ControlChange[] = [];

  constructor(private readonly region: FakeRegion) {}

  async control(): Promise<RegionControl> {
    this.region.reach();
    return this.said;
  }

  async change(change: ControlChange): Promise<RegionControl> {
    this.region.reach();
    if (change.kind === 'pause') this.said = { ...this.said, pausedSinceMs: 7 };
    if (change.kind === 'resume') this.said = { ...this.said, pausedSinceMs: undefined };
    if (change.kind === 'limits') this.said = { ...this.said, limits: change.limits };
    if (change.kind === 'retry') this.retries.push(change);
    return this.said;
  }

  async failed(): Promise<readonly FailedCopyReport[]> {
    this.region.reach();
    return [
      { digest: current, size: 9, reason: 'no', failures: 5, sinceMs: 1, triedMs: 2, repositories: ['team/app'] },
    ];
  }
}

/** What is committed, for as long as somebody follows. */
class FakeJournal implements JournalSource {
  isDeleted = () => Promise.resolve(false);
  /** Up to which change it was cut off. */
  cut = 0;
  origin = () => Promise.resolve(this.cut);
  readonly changed = new Notifier();
  readonly entries: Entry[] = [];

  put(tag: string): void {
    const seq = this.entries.length + 4;
    const put = { type: 'manifest.put', repository: 'team/app', digest: current, tags: [tag], seq };
    this.entries.push(put as unknown as Entry);
    this.changed.notify();
  }

  async *journal(after: number, signal: AbortSignal): AsyncGenerator<JournalMessage> {
    if (after < this.cut) throw new PeerError('gone', parseRegionName('south'), 'cut off');
    for (let last = after; ; ) {
      const { version } = this.changed;
      for (const entry of this.entries.filter(({ seq }) => seq > last)) {
        last = entry.seq;
        yield { kind: 'entry', entry };
      }
      await this.changed.waitFor(version, { limitMs: Number.POSITIVE_INFINITY, clock: systemClock, signal });
    }
  }
}

describe('what operators ask a region', () => {
  let journal: FakeJournal;
  let nest: NestFastifyApplication;
  let origin: string;
  let south: FakeRegion;
  let north: FakeRegion;
  let west: FakeRegion;

  beforeEach(async () => {
    journal = new FakeJournal();
    [south, north, west] = [new FakeRegion('south'), new FakeRegion('north'), new FakeRegion('west')];
    const peers = [north.client, west.client];
    const presences = new RegionPresences({ region: south.region, presence: south, peers, clock: systemClock });
    const watch = new RegionWatch({ own: south, peers, clock: systemClock, random: systemRandom });
    const module = adminModule({
      policy: {
        policies: { current: async () => undefined, enforced: async () => undefined },
        regions: [],
        writes: () => undefined,
      },
      steering: {
        ...{ region: south.region, role: 'primary', primary: south.region },
        own: south.steering,
        others: new Map([north, west].map(({ region, steering }) => [region, steering])),
      },
      gc: { collections: () => undefined, lastReport: async () => undefined },
      verifications: () => undefined,
      proof: {
        region: 'here' as never,
        key: undefined,
        prove: () => Promise.reject(new Error('no')),
        attach: () => undefined,
      },
      antiEntropy: { comparisons: () => undefined, lastReport: async () => undefined },
      scrub: { scrubs: () => undefined, lastReport: async () => undefined },
      journalCare: () => undefined,
      region: south.region,
      role: 'primary',
      status: south,
      presences,
      watch,
      wait: new ImageWait(presences, watch, systemClock),
      lag: (region) => (region === 'north' ? { count: 3, p50Seconds: 0.1, p99Seconds: 0.2 } : undefined),
      peers,
      processes: () => [{ app: 'registry', pid: 7 }],
      journal: () => journal,
      stopping: new AbortController().signal,
      clock: systemClock,
    });
    const testing = await Test.createTestingModule({ imports: [module] }).compile();
    nest = testing.createNestApplication<NestFastifyApplication>(new FastifyAdapter({ forceCloseConnections: true }));
    await nest.listen(0, '127.0.0.1');
    origin = await nest.getUrl();
  });
  afterEach(() => nest.close());

  async function ask(path: string) {
    const answer = await fetch(`${origin}/admin/v1/${path}`);
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  }

  it('tells its own status and that of all regions', async () => {
    const { body } = await ask('status');
    expect(body).toMatchObject({ region: 'south', role: 'primary', watermark: 3 });
    expect(body.regions).toMatchObject([
      { region: 'south', role: 'primary', state: 'ok', ageSeconds: 0 },
      { region: 'north', role: 'replica', state: 'ok', status: { watermark: 3 } },
      { region: 'west', state: 'ok' },
    ]);
  });

  it('never calls a region up to date that is silent or behind', async () => {
    await ask('status');
    north.reachable = false;
    west.watermark = 2;
    const { body } = await ask('status');
    expect(body.regions).toMatchObject([
      { region: 'south', upToDate: true },
      { region: 'north', upToDate: false, silentSince: expect.stringMatching(/^\d{4}-.*Z$/), presentLag: { count: 3 } },
      { region: 'west', state: 'ok', upToDate: false },
    ]);
  });

  it('says of a silent region what it last said, and how long ago', async () => {
    await ask('status');
    north.reachable = false;
    const { body } = await ask('status');
    const [, report] = body.regions as { readonly ageSeconds: number }[];
    expect(report).toMatchObject({ region: 'north', state: 'silent', status: { watermark: 3 } });
    expect(report?.ageSeconds).toBeGreaterThan(0);
  });

  it('knows no age of a region that never spoke', async () => {
    north.reachable = false;
    const { body } = await ask('status');
    expect(body.regions).toContainEqual(
      expect.objectContaining({ region: 'north', state: 'silent', ageSeconds: null, upToDate: false }),
    );
  });

  it.each([
    ['a tag', 'team/app/v1', 'v1'],
    ['a digest', `team/app@${current}`, current],
    ['a digest after a slash', `team/app/${current}`, current],
  ])('tells where an image is, by %s', async (_what, path, reference) => {
    west.stored = [];
    north.reachable = false;
    const { status, body } = await ask(`images/${path}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ repository: 'team/app', reference });
    expect(body.regions).toMatchObject([
      { region: 'south', state: 'present', digest: current },
      { region: 'north', state: 'unknown', silent: true },
      { region: 'west', state: 'copying', digest: current },
    ]);
  });

  it('waits until every region has the image that the tag meant at the beginning', async () => {
    north.tagged = old;
    north.stored = [old];
    const waiting = ask('wait?repository=team/app&reference=v1&timeoutSeconds=10');
    // It has been told of the older image twice: being `present` under the tag was not enough.
    while (north.asked < 2) await systemClock.sleep(5, new AbortController().signal);
    Object.assign(north, { tagged: current, stored: [old, current] });
    const { status, body } = await waiting;
    expect(status).toBe(200);
    expect(body).toMatchObject({ repository: 'team/app', reference: 'v1', digest: current });
    expect(body.regions).toMatchObject(['south', 'north', 'west'].map((region) => ({ region, state: 'present' })));
    expect(body.waitedMs).toBeGreaterThan(0);
  });

  it('waits only for the regions that are named, and goes on when a lost one comes back', async () => {
    north.stored = [];
    west.reachable = false;
    const waiting = ask(`wait?repository=team/app&reference=${current}&regions=west,south`);
    while (south.asked < 2) await systemClock.sleep(5, new AbortController().signal);
    west.reachable = true;
    const { status, body } = await waiting;
    expect(status).toBe(200);
    expect(body.regions).toMatchObject([{ region: 'west' }, { region: 'south' }]);
  });

  it.each([0, 1])('says who lacks the image when %i seconds are over', async (seconds) => {
    north.stored = [];
    west.reachable = false;
    const { status, body } = await ask(`wait?repository=team/app&reference=v1&timeoutSeconds=${seconds}`);
    expect(status).toBe(504);
    expect(body).toMatchObject({ digest: current });
    expect(body.regions).toMatchObject([
      { region: 'south', state: 'present' },
      { region: 'north', state: 'copying' },
      { region: 'west', silent: true },
    ]);
  });

  it('waits for a change in all regions, or in those that are named', async () => {
    const waiting = ask('wait?seq=4&timeoutSeconds=10');
    for (const region of [south, north, west]) region.advance(4);
    const { status, body } = await waiting;
    expect([status, body.seq]).toEqual([200, 4]);
    expect(body.regions).toMatchObject(['south', 'north', 'west'].map((region) => ({ region, applied: true })));
    north.advance(5);
    expect((await ask('wait?seq=5&regions=north')).status).toBe(200);
  });

  it('says who has not come to a change when the time is over', async () => {
    north.reachable = false;
    west.advance(4);
    const { status, body } = await ask('wait?seq=4&timeoutSeconds=1');
    expect(status).toBe(504);
    expect(body.regions).toMatchObject([
      { region: 'south', applied: false, watermark: 3 },
      { region: 'north', applied: false },
      { region: 'west', applied: true },
    ]);
  });

  describe('events', () => {
    const leaving: AbortController[] = [];
    afterEach(() => {
      for (const controller of leaving.splice(0)) controller.abort();
    });

    async function listen(headers: Record<string, string> = {}) {
      const gone = new AbortController();
      leaving.push(gone);
      const answer = await fetch(`${origin}/admin/v1/events`, { headers, signal: gone.signal });
      expect(answer.headers.get('content-type')).toBe('text/event-stream');
      const heard: { readonly event: string; readonly id: string; readonly data: Record<string, unknown> }[] = [];
      const reading = (async () => {
        let text = '';
        for await (const chunk of answer.body ?? []) {
          const parts = (text + Buffer.from(chunk as Uint8Array).toString()).split('\n\n');
          text = parts.pop() ?? '';
          for (const part of parts) {
            const [, event = '', id = '', data = ''] = /^event: (.*)\nid: (.*)\ndata: (.*)$/.exec(part) ?? [];
            if (event !== '') heard.push({ event, id, data: JSON.parse(data) });
          }
        }
      })();
      reading.catch(() => undefined);
      const until = async (enough: () => boolean) => {
        while (!enough()) await systemClock.sleep(5, new AbortController().signal);
      };
      return { heard, until, of: (kind: string) => heard.filter(({ event }) => event === kind) };
    }

    it('tell how far regions are, and of each image in each region by its evidence', async () => {
      west.stored = [];
      const { of, until } = await listen();
      await until(() => of('region').length >= 3);
      journal.put('v2');
      north.advance(4);
      west.advance(4);
      await until(() => of('present').length + of('applied').length >= 2);
      const change = { seq: 4, repository: 'team/app', digest: current, tags: ['v2'] };
      expect(of('present')).toMatchObject([{ id: '3', data: { ...change, region: 'north' } }]);
      expect(of('applied')).toMatchObject([{ id: '3', data: { ...change, region: 'west', state: 'copying' } }]);
      south.advance(4);
      await until(() => of('present').length === 2);
      expect(of('present')[1]).toMatchObject({ id: '4', data: { region: 'south' } });
    });

    it('go on after the last one that was heard', async () => {
      for (const tag of ['v2', 'v3']) journal.put(tag);
      for (const region of [south, north, west]) region.advance(5);
      const { of, until } = await listen({ 'last-event-id': '4' });
      await until(() => of('present').length === 3);
      expect(of('present').map(({ data }) => data.seq)).toEqual([5, 5, 5]);
    });

    it('tell of a gap where the journal does not go back so far any more, and go on behind it', async () => {
      for (const tag of ['v2', 'v3', 'v4']) journal.put(tag);
      journal.cut = 5;
      for (const region of [south, north, west]) region.advance(6);
      const { heard, of, until } = await listen({ 'last-event-id': '3' });
      await until(() => of('present').length === 3);
      expect(of('gap')).toEqual([{ event: 'gap', id: '5', data: { after: 3, from: 5 } }]);
      expect(of('present').map(({ data }) => data.seq)).toEqual([6, 6, 6]);
      expect(heard.findIndex(({ event }) => event === 'gap')).toBeLessThan(
        heard.findIndex(({ event }) => event === 'present'),
      );
    });

    it('refuse an id that is none, and more than enough listeners', async () => {
      const answer = await fetch(`${origin}/admin/v1/events`, { headers: { 'last-event-id': 'x' } });
      expect(answer.status).toBe(400);
      for (let listeners = 0; listeners < 32; listeners += 1) await listen();
      expect((await fetch(`${origin}/admin/v1/events`)).status).toBe(503);
    });
  });

  it.each([
    ['an image that is unknown here', 'wait?repository=team/app&reference=v2', 404, /team\/app has no v2/],
    ['no repository', 'wait?reference=v1', 400, /repository must be given/],
    ['a repository that cannot be', 'wait?repository=A&reference=v1', 400, /repository name/],
    ['two references', 'wait?repository=a&reference=v1&reference=v2', 400, /reference must be given once/],
    ['a region that cannot be', 'wait?repository=a&reference=v1&regions=A', 400, /not a region/],
    [
      'an unknown region',
      'wait?repository=a&reference=v1&regions=east',
      400,
      /east; the regions are south, north, west/,
    ],
    ['too long a wait', 'wait?repository=a&reference=v1&timeoutSeconds=3601', 400, /from 0 to 3600/],
    ['a change that cannot be', 'wait?seq=0', 400, /whole number from 1/],
    ['no number', 'wait?repository=a&reference=v1&timeoutSeconds=1.5', 400, /whole number/],
    ['an image without a reference', 'images/app', 400, /is named/],
    ['a digest that cannot be', 'images/app@sha256:12', 400, /digest/],
  ])('answers %s with a sentence', async (_what, path, expected, sentence) => {
    const { status, body } = await ask(path);
    expect(status).toBe(expected);
    expect(body).toEqual({ error: expect.stringMatching(sentence) });
  });

  it.each(['gc', 'scrub', 'anti-entropy'])('tells of %s, and where it is done', async (what) => {
    expect((await ask(what)).body).toEqual({ here: null, last: null });
    const refused = await fetch(`${origin}/admin/v1/${what}`, { method: 'POST' });
    expect(refused.status).toBe(409);
    expect(await refused.json()).toEqual({ error: expect.stringMatching(/replicator/) });
  });

  it.each(['0', '1.5', 'fast', '-1'])('refuses to scrub at %s bytes per second', async (rate) => {
    const refused = await fetch(`${origin}/admin/v1/scrub?rateBytesPerSecond=${rate}`, { method: 'POST' });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toEqual({ error: expect.stringMatching(/whole number/) });
  });

  async function send(method: string, path: string, body?: object) {
    const content =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const answer = await fetch(`${origin}/admin/v1/${path}`, { method, ...content });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  }

  it('pauses and resumes the replication of a region', async () => {
    expect(await send('POST', 'regions/north/pause')).toEqual({
      status: 200,
      body: { region: 'north', pausedSinceMs: 7, limits: null },
    });
    expect((await send('POST', 'regions/north/resume')).body.pausedSinceMs).toBeNull();
  });

  it('limits a region, and stops to', async () => {
    const limits = [{ bytesPerSecond: '50MB', between: '08:00-18:00', timeZone: 'Europe/Amsterdam' }];
    const kept = [{ ...limits[0], bytesPerSecond: 50_000_000 }];
    expect(await send('PUT', 'regions/west/limits', { limits })).toMatchObject({ status: 200, body: { limits: kept } });
    expect((await ask('regions/west/limits')).body).toEqual({ region: 'west', pausedSinceMs: null, limits: kept });
    expect((await send('DELETE', 'regions/west/limits')).body.limits).toBeNull();
    expect(await send('PUT', 'regions/west/limits', { limits: [{ bytesPerSecond: 'fast' }] })).toMatchObject({
      status: 400,
      body: { error: expect.stringMatching(/bytesPerSecond/) },
    });
  });

  it('tells what was set aside where, and has it tried again', async () => {
    north.reachable = false;
    expect((await ask('failed')).body.regions).toMatchObject([
      { region: 'north', silent: true },
      { region: 'west', failed: [{ digest: current, reason: 'no' }] },
    ]);
    const retried = await send('POST', 'failed/retry?repository=team/app');
    expect([retried.status, west.steering.retries]).toEqual([202, [{ kind: 'retry', repository: 'team/app' }]]);
    await send('POST', `failed/retry?digest=${current}&region=west`);
    expect(west.steering.retries.at(-1)).toEqual({ kind: 'retry', digest: current });
  });

  it.each([
    ['the primary', 'regions/south/pause', 409, /nothing is copied into it/],
    ['a region that there is not', 'regions/east/pause', 404, /no such region/],
    ['a region that is silent', 'regions/north/pause', 503, /does not answer: .*the link is cut/],
    ['a digest that cannot be', 'failed/retry?digest=x', 400, /digest/],
  ])('cannot steer %s', async (_what, path, status, sentence) => {
    north.reachable = false;
    expect(await send('POST', path)).toEqual({ status, body: { error: expect.stringMatching(sentence) } });
  });

  it('lists the processes', async () => {
    expect((await ask('processes')).body).toEqual({ processes: [{ app: 'registry', pid: 7 }] });
  });
});
