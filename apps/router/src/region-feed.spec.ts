import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { parseRegionName, type RegionName, type Topology } from '#libs/geo';
import type { Entry } from '#libs/journal';
import { parseRepositoryName, parseTag } from '#libs/oci';
import { systemClock, systemRandom } from '#libs/resilience';
import { RegionFeeds } from './region-feed.js';
import { RegionKnowledge } from './region-knowledge.js';
import { eventually } from './testing/eventually.js';
import { FakeRegion } from './testing/fake-region.js';

const eu = parseRegionName('eu');
const us = parseRegionName('us');
const app = parseRepositoryName('team/app');

function entry(seq: number): Entry {
  return { type: 'tag.delete', repository: app, tag: parseTag('v1'), seq, epoch: 1, timeMs: 0 };
}

describe('RegionFeeds', () => {
  const stop = { controller: new AbortController() };
  let primary: FakeRegion;
  let replica: FakeRegion;
  let knowledge: RegionKnowledge;
  let following: Promise<void>;

  const chosen = (client: RegionName = us) => knowledge.decide(client, app).site?.name;
  const open = () => replica.listeners === 1 && primary.listeners === 1 && primary.journalListeners === 1;

  beforeEach(async () => {
    stop.controller = new AbortController();
    primary = new FakeRegion(eu, 'primary');
    replica = new FakeRegion(us, 'replica');
    primary.head = 10;
    const site = (region: FakeRegion) => {
      const address = `http://${region.region}.test`;
      return { name: region.region, role: region.role, publicUrl: address, peerUrl: address };
    };
    const topology: Topology = {
      regions: [site(primary), site(replica)],
      roundTripMs: { [eu]: { [us]: 80 }, [us]: {} } as Topology['roundTripMs'],
      clientNetworks: [],
      defaultRegion: eu,
    };
    knowledge = new RegionKnowledge(topology, { now: () => systemClock.monotonic() });
    const log = pino({ level: 'silent' });
    following = new RegionFeeds([primary, replica], knowledge, systemClock, systemRandom, log).follow(
      stop.controller.signal,
    );
    await eventually(open);
  });

  afterEach(async () => {
    stop.controller.abort();
    await following;
  });

  it('sends everything to the primary until it knows better', async () => {
    expect(chosen()).toBe(eu);
    replica.say({ watermark: 9 });
    await eventually(() => knowledge.health(us) === 'healthy');
    expect(chosen()).toBe(eu);
    replica.say({ watermark: 10 });
    await eventually(() => chosen() === us);
  });

  it('believes the journal about its head, for what the primary says of itself may be older', async () => {
    stop.controller.abort();
    await following;
    stop.controller = new AbortController();
    primary.journalHead = 12;
    knowledge = new RegionKnowledge(knowledge.topology, { now: () => systemClock.monotonic() });
    const log = pino({ level: 'silent' });
    const feeds = new RegionFeeds([primary, replica], knowledge, systemClock, systemRandom, log);
    following = feeds.follow(stop.controller.signal);
    await eventually(open);
    replica.say({ watermark: 10 });
    await eventually(() => knowledge.health(us) === 'healthy');
    expect(chosen()).toBe(eu);
    replica.say({ watermark: 12 });
    await eventually(() => chosen() === us);
  });

  it('learns from the journal that a replica is behind, and from the replica that it is not any more', async () => {
    replica.say({ watermark: 10 });
    await eventually(() => chosen() === us);
    primary.tell({ kind: 'entry', entry: entry(11) });
    await eventually(() => chosen() === eu);
    replica.say({ watermark: 10, beyond: [11] });
    await eventually(() => chosen() === us);
  });

  it('avoids a region as soon as its stream breaks, and comes back after two good words', async () => {
    replica.say({ watermark: 10 });
    await eventually(() => chosen() === us);
    replica.breakOff();
    await eventually(() => chosen() === eu);
    await eventually(() => replica.listeners === 1);
    replica.say({ watermark: 10 });
    replica.say({ watermark: 10 });
    await eventually(() => chosen() === us);
  });

  it('avoids a region that says that it cannot serve', async () => {
    replica.say({ watermark: 10 });
    await eventually(() => chosen() === us);
    replica.say({ watermark: 10, ready: false });
    await eventually(() => chosen() === eu);
  });

  it('does not believe a region that is another one', async () => {
    replica.say({ region: eu, watermark: 10 });
    await eventually(() => knowledge.health(us) === 'unhealthy');
  });

  it('follows the journal from the head, goes on where it was, and begins anew with another journal', async () => {
    primary.tell({ kind: 'entry', entry: entry(11) });
    await primary.stop();
    await eventually(() => primary.journalsFrom.length === 2);
    expect(primary.journalsFrom).toEqual([10, 11]);
    await eventually(open);
    primary.refuseJournal = true;
    primary.head = 3;
    await primary.stop();
    await eventually(() => primary.journalsFrom.length >= 4);
    expect(primary.journalsFrom.slice(2, 4)).toEqual([11, 3]);
  });
});
