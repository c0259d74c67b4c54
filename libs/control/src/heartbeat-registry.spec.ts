import { describe, expect, it } from '@jest/globals';
import { FakeClock, settle } from '#libs/resilience/testing';
import type { ProcessHeartbeat } from './control-bus.js';
import { HeartbeatRegistry, PROCESS_HEARTBEAT_MS } from './heartbeat-registry.js';
import { MemoryControlHub } from './testing/memory-control-hub.js';

const process = (id: string, startedMs: number): ProcessHeartbeat => ({ id, app: 'registry', pid: 1, startedMs });

describe('HeartbeatRegistry', () => {
  const setUp = () => {
    const [hub, clock, end] = [new MemoryControlHub(), new FakeClock(), new AbortController()];
    const registries = ['one', 'other'].map((id) => new HeartbeatRegistry(hub.join(id), clock));
    const runs = registries.map((registry, index) =>
      registry.run(process(['one', 'other'][index] ?? '', index), end.signal),
    );
    return { hub, clock, end, registries, runs };
  };
  const ids = (registry: HeartbeatRegistry | undefined) => registry?.alive().map(({ id }) => id);

  it('knows every process of the region, itself among them, oldest first', async () => {
    const { registries, end, runs } = setUp();
    await settle();
    expect(registries.map(ids)).toEqual([
      ['one', 'other'],
      ['one', 'other'],
    ]);
    end.abort();
    await Promise.all(runs);
  });

  it('forgets a process after three heartbeats that did not come, and not before', async () => {
    const { hub, clock, registries, end, runs } = setUp();
    await settle();
    hub.cutOff('other');
    await clock.advance(3 * PROCESS_HEARTBEAT_MS);
    expect(ids(registries[0])).toEqual(['one', 'other']);
    await clock.advance(1);
    expect(ids(registries[0])).toEqual(['one']);
    hub.reconnect('other');
    await clock.advance(PROCESS_HEARTBEAT_MS);
    expect(ids(registries[0])).toEqual(['one', 'other']);
    end.abort();
    await Promise.all(runs);
  });

  it('stops at once when it is told to, and leaves no timer behind', async () => {
    const { clock, registries, end, runs } = setUp();
    await settle();
    end.abort();
    await Promise.all(runs);
    expect(clock.sleeping).toBe(0);
    expect(ids(registries[0])).toEqual(['other']);
  });

  it('does not grow without end', async () => {
    const hub = new MemoryControlHub();
    const registry = new HeartbeatRegistry(hub.join('one'), new FakeClock());
    const stranger = hub.join('stranger');
    for (let index = 0; index < 2_000; index += 1) {
      stranger.publish({ kind: 'process.heartbeat', process: process(`p${index}`, index) });
    }
    await settle();
    expect(registry.alive()).toHaveLength(1_000);
  });
});
