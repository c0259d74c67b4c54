import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '#libs/resilience/testing';
import { createLogger } from './logger.js';
import { Shutdown } from './shutdown.js';

const silent = createLogger({ app: 'test', level: 'silent' });

describe('Shutdown', () => {
  it('takes its steps in their order, one after the other', async () => {
    const shutdown = new Shutdown(new FakeClock(), silent);
    const taken: string[] = [];
    shutdown.add('first', async () => {
      await Promise.resolve();
      taken.push('first');
    });
    shutdown.add('second', () => void taken.push('second'));
    await shutdown.run(1_000);
    expect(taken).toEqual(['first', 'second']);
  });

  it('goes on when a step fails', async () => {
    const shutdown = new Shutdown(new FakeClock(), silent);
    const taken: string[] = [];
    shutdown.add('first', () => {
      throw new Error('no');
    });
    shutdown.add('second', () => void taken.push('second'));
    await shutdown.run(1_000);
    expect(taken).toEqual(['second']);
  });

  it('leaves behind what does not end in time, and lets the rest know', async () => {
    const clock = new FakeClock();
    const shutdown = new Shutdown(clock, silent);
    const told: boolean[] = [];
    shutdown.add('endless', () => new Promise(() => undefined));
    shutdown.add('last', (signal) => void told.push(signal.aborted));
    const done = shutdown.run(1_000);
    await clock.advance(1_000);
    await done;
    expect(told).toEqual([true]);
  });

  it('leaves no timer behind', async () => {
    const clock = new FakeClock();
    await new Shutdown(clock, silent).run(1_000);
    expect(clock.sleeping).toBe(0);
  });
});
