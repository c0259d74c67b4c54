import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '#libs/resilience/testing';
import { Readiness } from './readiness.js';

function started(clock = new FakeClock()): Readiness {
  const readiness = new Readiness(clock);
  readiness.setStarted();
  return readiness;
}

describe('Readiness', () => {
  it('is not ready before the process has started', async () => {
    const readiness = new Readiness(new FakeClock());
    expect(await readiness.report()).toEqual({ ready: false, state: 'starting', checks: {} });
    readiness.setStarted();
    expect(await readiness.report()).toEqual({ ready: true, state: 'serving', checks: {} });
  });

  it('names what is wrong', async () => {
    const readiness = started();
    readiness.add('store', async () => {
      throw new Error('no answer');
    });
    readiness.add('journal', async () => undefined);
    expect(await readiness.report()).toEqual({
      ready: false,
      state: 'serving',
      checks: {
        store: { ok: false, reason: 'no answer', durationMs: 0 },
        journal: { ok: true, durationMs: 0 },
      },
    });
  });

  it('takes a check that does not end for one that failed, and ends it', async () => {
    const clock = new FakeClock();
    const readiness = started(clock);
    let ended = false;
    readiness.add(
      'store',
      (signal) => {
        signal.addEventListener('abort', () => {
          ended = true;
        });
        return new Promise(() => undefined);
      },
      500,
    );
    const report = readiness.report();
    await clock.advance(500);
    expect((await report).checks.store).toEqual({ ok: false, reason: 'no answer within 500 ms', durationMs: 500 });
    expect(ended).toBe(true);
  });

  it('asks at most once a second, however many want to know', async () => {
    const clock = new FakeClock();
    const readiness = started(clock);
    let asked = 0;
    readiness.add('store', async () => {
      asked += 1;
    });
    await Promise.all([readiness.report(), readiness.report()]);
    await clock.advance(999);
    await readiness.report();
    expect(asked).toBe(1);
    await clock.advance(1);
    await readiness.report();
    expect(asked).toBe(2);
  });

  it('says at once that it drains, whatever was cached, and stays at it', async () => {
    const readiness = started();
    await readiness.report();
    readiness.setDraining();
    readiness.setStarted();
    expect(await readiness.report()).toMatchObject({ ready: false, state: 'draining' });
  });
});
