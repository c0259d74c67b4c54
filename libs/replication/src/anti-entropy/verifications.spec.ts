import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseRegionName, type RegionName } from '#libs/geo';
import type { SummarySource } from '#libs/journal';
import { PeerError, type RegionStatus } from '#libs/peer';
import { LocalSummary } from '#libs/registry';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { freshProgress } from '../progress-store.js';
import { MemoryPrimary } from '../testing/memory-primary.js';
import { Verifications, type VerifyReport } from './index.js';

const ended = new AbortController();
const { signal } = ended;
const east = parseRegionName('east');

describe('a verification', () => {
  let clock: FakeClock;
  let primary: MemoryPrimary;
  let other: MemoryPrimary;

  beforeEach(async () => {
    clock = new FakeClock();
    [primary, other] = [
      await MemoryPrimary.open(clock, new SeededRandom(1)),
      await MemoryPrimary.open(clock, new SeededRandom(2)),
    ];
    for (const each of [primary, other]) await each.image('one', [await each.blob('layer')], 'v1');
  });

  afterEach(async () => {
    await Promise.all([primary.close(), other.close()]);
  });

  const summaryOf = ({ store, content, journal }: MemoryPrimary): SummarySource => {
    const rates = { objectsPerSecond: 1e12, rateBytesPerSecond: 1e12 };
    return new LocalSummary({ store, content, clock, ...rates, upTo: (asking) => journal.settled(asking) });
  };

  async function verify(status: () => Partial<RegionStatus>, rehash = false): Promise<VerifyReport> {
    const said = {
      ...freshProgress('g'),
      region: east,
      role: 'replica',
      ready: true,
      lagSeconds: 0,
      timeMs: 1,
    } as const;
    const peer = {
      region: east as RegionName,
      summary: summaryOf(other),
      status: async () => ({ ...said, watermark: other.journal.head.seq, ...status() }),
    };
    const verifications = new Verifications({
      ...{ primary: summaryOf(primary), peers: [peer], clock, random: new SeededRandom(3), signal },
      policy: async () => undefined,
      onFinished: () => undefined,
    });
    const report = await verifications.begin({ regions: [east], rehash }, signal);
    if (report === undefined) throw new Error('it runs already');
    for (let turn = 0; turn < 200 && report.outcome === 'running'; turn += 1) await clock.advance(100);
    expect(verifications.here).toBe(report);
    return report;
  }

  it('says equal of what is equal, to the byte if it is asked to', async () => {
    const report = await verify(() => ({}), true);
    expect(report).toMatchObject({
      outcome: 'equal',
      regions: [{ state: 'equal', repositories: 1, rehashed: { blobs: 1 } }],
    });
  });

  it('says behind of a region that has less, and nothing wrong', async () => {
    await primary.image('two', [await primary.blob('layer')], 'v2');
    const report = await verify(() => ({}));
    expect(report).toMatchObject({ outcome: 'incomplete', regions: [{ state: 'behind', position: 1, differing: [] }] });
  });

  it('is one at a time in a process', async () => {
    const waiting = {
      ...freshProgress('g'),
      region: east,
      role: 'replica',
      ready: true,
      lagSeconds: 0,
      timeMs: 1,
    } as const;
    const verifications = new Verifications({
      ...{ primary: summaryOf(primary), clock, random: new SeededRandom(3), signal },
      peers: [{ region: east, summary: summaryOf(other), status: async () => waiting }],
      policy: async () => undefined,
      onFinished: () => undefined,
    });
    const request = { regions: [east], rehash: false };
    expect(await verifications.begin(request, signal)).toMatchObject({ outcome: 'running' });
    expect(await verifications.begin(request, signal)).toBeUndefined();
    await clock.advance(11_000);
    await verifications.ended();
    expect(verifications.here).toMatchObject({ outcome: 'equal' });
  });

  it('names what is different', async () => {
    await primary.image('two', [await primary.blob('layer')], 'v2');
    await other.image('three', [await other.blob('layer')], 'v2');
    const report = await verify(() => ({}));
    expect(report).toMatchObject({
      outcome: 'differs',
      regions: [{ state: 'differs', differing: [{ differences: 3 }] }],
    });
    expect(report.regions[0]?.differing[0]?.names).toContain('wrong: tag v2');
  });

  it.each<[string, () => Partial<RegionStatus>, string]>([
    ['behind', () => ({ bootstrap: {} as never }), 'it is filling itself from a snapshot'],
    [
      'unreachable',
      () => {
        throw new PeerError('unreachable', east, 'the link is cut');
      },
      'region east: the link is cut',
    ],
  ])('says %s of a region that cannot be judged, and why', async (state, status, reason) => {
    expect(await verify(status)).toMatchObject({ outcome: 'incomplete', regions: [{ state, reason }] });
  });
});
