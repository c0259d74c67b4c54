import { describe, expect, it } from '@jest/globals';
import { Readiness } from '#libs/platform';
import { FakeClock } from '#libs/resilience/testing';
import { StoreWatch } from './store-watch.js';

function watchedStore() {
  const clock = new FakeClock();
  const readiness = new Readiness(clock);
  const store = { fails: false };
  readiness.add('store', async () => {
    if (store.fails) throw new Error('the store does not answer');
  });
  const watch = new StoreWatch(readiness, clock);
  const stopping = new AbortController();
  const followed = watch.follow(stopping.signal);
  const stop = async (): Promise<void> => {
    stopping.abort();
    await followed;
  };
  return { clock, store, watch, stop };
}

describe('StoreWatch', () => {
  it('finds that the store does not answer any more, and that it does again', async () => {
    const { clock, store, watch, stop } = watchedStore();
    expect(watch.answers).toBe(true);
    store.fails = true;
    await clock.advance(2_000);
    expect(watch.answers).toBe(false);
    store.fails = false;
    await clock.advance(2_000);
    expect(watch.answers).toBe(true);
    await stop();
  });

  it('ends when it is told to', async () => {
    const { clock, stop } = watchedStore();
    await clock.advance(500);
    await stop();
  });
});
