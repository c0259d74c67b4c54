import { expect, it } from '@jest/globals';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { keys, MemoryObjectStore, type ObjectStore } from '#libs/storage';
import { APP, GRACE_MS, openCollectedRegion, testImage } from './testing/collected-region.js';

const signal = new AbortController().signal;

it('spares what a manifest names that was judged long before its process wrote it into the journal', async () => {
  const clock = new FakeClock();
  const bucket = new MemoryObjectStore({ clock });
  const image = testImage('late', 'a layer');
  const [wake, halted] = [signalOnce(), signalOnce()];
  const sleeper = await openCollectedRegion(
    beforeJournalPut(bucket, async () => {
      halted.give();
      await wake.given;
    }),
    // Its own time stands still with it.
    { clock: new FakeClock(), random: new SeededRandom(1), signal },
  );
  for (const text of image.texts) await sleeper.upload(text);
  const putting = sleeper.putManifest(image, 'v1');
  await halted.given;

  const sweeping = await openCollectedRegion(
    beforeJournalPut(bucket, async () => {
      wake.give();
      await putting;
    }),
    { clock, random: new SeededRandom(2), signal },
  );
  await sweeping.collector.runCycle(signal);
  await clock.advance(GRACE_MS);
  await sweeping.collector.runCycle(signal);
  expect(await sweeping.pull.manifest(APP, { kind: 'digest', digest: image.digest }, signal)).toBeDefined();
  expect(await sweeping.broken(image)).toEqual([]);
});

function beforeJournalPut(store: ObjectStore, wait: () => Promise<void>): ObjectStore {
  let first = true;
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (name !== 'put') return value.bind(target);
      return async (...[key, ...rest]: Parameters<ObjectStore['put']>) => {
        if (key.startsWith(keys.journalPrefix) && first) {
          first = false;
          await wait();
        }
        return target.put(key, ...rest);
      };
    },
  });
}

function signalOnce(): { readonly given: Promise<void>; readonly give: () => void } {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give: () => give() };
}
