import { describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { Counter, Gauge } from 'prom-client';
import { parseRegionName, SILENCE_MS } from '#libs/geo';
import { AwakeTime, TICK_MS } from './awake-time.js';
import { HealthWatch } from './health-watch.js';
import { RegionKnowledge } from './region-knowledge.js';
import { FakeRegion } from './testing/fake-region.js';

const eu = parseRegionName('eu');

describe('HealthWatch', () => {
  it('says each change once, and keeps the number true', async () => {
    let nowMs = 0;
    const lines: string[] = [];
    const clock = { now: () => nowMs, monotonic: () => nowMs, sleep: async () => undefined };
    const site = { name: eu, role: 'primary', publicUrl: 'http://eu.test', peerUrl: 'http://eu.test' } as const;
    const time = new AwakeTime(clock);
    const topology = { regions: [site], roundTripMs: {}, clientNetworks: [], defaultRegion: eu };
    const knowledge = new RegionKnowledge(topology, time);
    const metrics = {
      routeDecisions: new Counter({ name: 'd', help: '-', labelNames: ['from', 'to', 'reason'], registers: [] }),
      routerRegionHealthy: new Gauge({ name: 'h', help: '-', labelNames: ['region'], registers: [] }),
    };
    const log = pino({ base: null, timestamp: false }, { write: (line: string) => void lines.push(line) });
    const watch = new HealthWatch(knowledge, time, metrics, clock, log);
    const value = async () => (await metrics.routerRegionHealthy.get()).values[0]?.value;

    watch.look();
    expect([await value(), lines.length]).toEqual([0, 0]);
    knowledge.heard(eu, new FakeRegion(eu, 'primary').statusOf({}));
    watch.look();
    watch.look();
    expect([await value(), lines.length]).toEqual([1, 1]);
    nowMs += 10 * SILENCE_MS;
    watch.look();
    expect([await value(), lines.length]).toEqual([1, 1]); // it was us who slept
    for (let pastMs = 0; pastMs < SILENCE_MS; pastMs += TICK_MS) {
      nowMs += TICK_MS;
      watch.look();
    }
    expect([await value(), lines.length]).toEqual([0, 2]);
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({ region: 'eu', health: 'unhealthy', before: 'healthy' });
  });
});
