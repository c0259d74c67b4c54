import { describe, expect, it } from '@jest/globals';
import { digestOf, parseRepositoryName, type RepositoryName } from '#libs/oci';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { MemoryObjectStore, type ObjectStore } from '#libs/storage';
import { UpkeepRunning } from '../upkeep/lease.js';
import { APP, GRACE_MS, openCollectedRegion, remains, type TestImage, testImage } from './testing/collected-region.js';

const signal = new AbortController().signal;
const REPOSITORIES: readonly RepositoryName[] = [APP, parseRepositoryName('demo/other')];
const LAYERS = ['a', 'b', 'c', 'd'].map((name) => `layer ${name}`);
const ROUNDS = 25;

type Region = Awaited<ReturnType<typeof openCollectedRegion>>;

/** Two processes of a region on one store that takes its time, with clients and collectors that never rest. */
async function race(seed: number): Promise<{ readonly problems: readonly string[]; readonly left: readonly string[] }> {
  const clock = new FakeClock();
  const random = new SeededRandom(seed);
  const bucket = new MemoryObjectStore({ clock });
  const store = slow(bucket, () => clock.sleep(Math.floor(random.next() * 40), signal));
  const regions = [
    await drive(clock, openCollectedRegion(store, { clock, random: new SeededRandom(seed + 1), signal })),
    await drive(clock, openCollectedRegion(store, { clock, random: new SeededRandom(seed + 2), signal })),
  ];
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)] as T;
  const pause = (limitMs: number): Promise<void> => clock.sleep(Math.floor(random.next() * limitMs), signal);
  const problems: string[] = [];
  let clients = 3;

  async function client(name: string): Promise<void> {
    for (let round = 0; round < ROUNDS; round += 1) {
      const image = testImage(`${name} ${pick(['x', 'y'])}`, ...LAYERS.filter(() => random.next() < 0.5));
      const repository = pick(REPOSITORIES);
      try {
        await push(image, repository, name);
        await pause(GRACE_MS);
        problems.push(...(await pick(regions).broken(image, repository)).map((what) => `pull: ${what}`));
        await pause(GRACE_MS);
        await pick(regions).push.deleteManifest(repository, { kind: 'digest', digest: image.digest }, signal);
      } catch (error) {
        problems.push(`${name} ${round}: ${String(error)} ${JSON.stringify(error)}`);
      }
      await pause(GRACE_MS * 2);
    }
    clients -= 1;
  }

  async function push(image: TestImage, repository: RepositoryName, tag: string): Promise<void> {
    for (const text of image.texts) await bring(pick(regions), text, repository);
    await pause(GRACE_MS / 4);
    await pick(regions).putManifest(image, tag.replace(' ', '-'), repository);
  }

  async function bring(region: Region, text: string, repository: RepositoryName): Promise<void> {
    const other = REPOSITORIES.find((each) => each !== repository) ?? APP;
    if ((await region.pull.blob(repository, digestOf(text), signal)) !== undefined) return;
    const mounted = random.next() < 0.5 && (await region.uploads.mount(repository, digestOf(text), other, signal));
    if (mounted === undefined || mounted === false) await region.upload(text, repository);
  }

  async function collect({ collector }: Region): Promise<void> {
    while (clients > 0) {
      try {
        await collector.runCycle(signal);
      } catch (error) {
        if (!(error instanceof UpkeepRunning)) problems.push(`collector: ${String(error)}`);
      }
      await pause(GRACE_MS / 2);
    }
  }

  await drive(clock, Promise.all([client('one'), client('two'), client('three'), ...regions.map(collect)]));
  const [first] = regions;
  for (const cycle of ['condemn', 'sweep', 'after what came last']) {
    await clock.advance(cycle === 'condemn' ? 0 : GRACE_MS);
    await drive(clock, Promise.resolve(first?.collector.runCycle(signal)));
  }
  return { problems, left: await remains(bucket, signal) };
}

/** Lets time pass until `work` is done. */
async function drive<T>(clock: FakeClock, work: Promise<T>): Promise<T> {
  let over = false;
  const watched = work.finally(() => {
    over = true;
  });
  watched.catch(() => undefined);
  while (!over) await clock.advance(50);
  return watched;
}

function slow(store: ObjectStore, wait: () => Promise<void>): ObjectStore {
  const slowed = new Set(['read', 'put', 'stat', 'list', 'delete', 'open', 'write']);
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      const call = (...args: unknown[]): unknown => Reflect.apply(value, target, args);
      if (!slowed.has(String(name))) return call;
      return async (...args: unknown[]) => {
        await wait();
        const done = await call(...args);
        await wait();
        return done;
      };
    },
  });
}

describe('a collector among clients that push, mount, ask, push again and delete', () => {
  it.each([1, 2])('refuses nothing, breaks nothing, and leaves nothing behind (seed %i)', async (seed) => {
    expect(await race(seed * 100)).toEqual({ problems: [], left: [] });
  });
});
