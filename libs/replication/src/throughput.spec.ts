import { expect, it } from '@jest/globals';
import { FakeClock } from '#libs/resilience/testing';
import { Throughput } from './throughput.js';

it('what came in is counted per second, and forgotten after half a minute', async () => {
  const clock = new FakeClock();
  const throughput = new Throughput(clock);
  expect(throughput.current()).toBeUndefined();
  for (let second = 0; second < 4; second += 1) {
    throughput.add({ bytes: 1_000, entries: 2 });
    await clock.advance(1_000);
  }
  expect(throughput.current()).toEqual({ bytesPerSecond: 1_000, entriesPerSecond: 2 });
  await clock.advance(30_000);
  expect(throughput.current()).toBeUndefined();
});
