import { Readable } from 'node:stream';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { JournalError, type ManifestEntry } from '#libs/journal';
import { type BlobDescriptor, digestOf } from '#libs/oci';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { keys, MemoryObjectStore, type ObjectStore, StorageError } from '#libs/storage';
import { BlobStore } from '../blob-store.js';
import { APP, GRACE_MS, openCollectedRegion, type TestImage, testImage } from '../gc/testing/collected-region.js';
import { UpkeepRunning } from '../upkeep/lease.js';
import { Scrubber, type ScrubFinding, type ScrubReport } from './index.js';

const signal = new AbortController().signal;
const image = testImage('one', 'a layer', 'another layer');
const FAST = 1e9;

type Region = Awaited<ReturnType<typeof openCollectedRegion>>;

let clock: FakeClock;
let store: MemoryObjectStore;
let region: Region;
let told: Omit<ScrubFinding, 'repaired'>[];
let unreadable: string[];
/** What another region has of the manifest. */
let elsewhere: ManifestEntry | undefined;

interface Setting {
  readonly repair?: (blob: BlobDescriptor) => Promise<boolean>;
  readonly on?: ObjectStore;
}

function scrubber({ repair = async () => false, on = store }: Setting = {}): Scrubber {
  return new Scrubber({
    ...{ store: on, content: region.content, repair, clock, random: new SeededRandom(7) },
    ...{ rateBytesPerSecond: FAST, name: 'a test' },
    entries: (after, reading) => (elsewhere === undefined ? region.journal.read(after, reading) : cutOff()),
    manifestElsewhere: async () => elsewhere,
    observer: {
      onSeen: () => undefined,
      onFinding: (finding) => told.push(finding),
      onRestored: () => undefined,
      onUnreadable: (key) => unreadable.push(key),
      onFinished: () => undefined,
    },
  });
}

async function* cutOff(): AsyncGenerator<never> {
  yield await Promise.reject(new JournalError('truncated', 'it was cut'));
}

/** Another region that has everything. */
async function fromElsewhere({ digest }: BlobDescriptor): Promise<boolean> {
  const text = image.texts.find((each) => digestOf(each) === digest);
  if (text === undefined) return false;
  const body = Readable.from([Buffer.from(text)], { objectMode: false });
  await region.content.blobs.ingest({ digest, size: text.length }, body, signal);
  return true;
}

async function dataKey(text: string): Promise<string> {
  const record = await region.content.blobs.stat(digestOf(text), signal);
  if (record === undefined) throw new Error(`${text} is not here`);
  return record.data;
}

async function edit(key: string, change: (bytes: Buffer) => Buffer): Promise<void> {
  const bytes = (await store.read(key, signal))?.bytes ?? new Uint8Array();
  await store.put(key, change(Buffer.from(bytes)), { signal });
}

/** Another character in the place of the last one. */
function flipped(bytes: Buffer): Buffer {
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
  return bytes;
}

type Open = ObjectStore['open'];

/** The store, with another way of opening its objects. */
function opening(open: Open): ObjectStore {
  return new Proxy<ObjectStore>(store, {
    get: (target, name) => {
      if (name === 'open') return open;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const absent = async (text: string) => (await region.content.blobs.stat(digestOf(text), signal)) === undefined;

beforeEach(async () => {
  clock = new FakeClock();
  store = new MemoryObjectStore({ clock });
  [told, unreadable] = [[], []];
  elsewhere = undefined;
  region = await openCollectedRegion(store, { clock, random: new SeededRandom(1), signal });
  await region.pushImage(image, 'v1');
});

const HARMS: readonly (readonly [string, (key: string) => Promise<unknown>, string | RegExp])[] = [
  ['flipped', (key) => edit(key, flipped), /^sha256:/],
  ['truncated', (key) => edit(key, (bytes) => bytes.subarray(1)), '6 bytes'],
  ['swapped', async (key) => store.put(key, Buffer.from('A LAYER'), { signal }), digestOf('A LAYER')],
  ['lost', (key) => store.delete(key, signal), 'nothing'],
];

describe('a scrub', () => {
  it('finds nothing where nothing is wrong, and leaves everything as it is', async () => {
    const before = await store.list({ prefix: keys.blobPrefix, limit: 10 }, signal);
    const report = await scrubber().run(signal);
    expect(report).toMatchObject({ outcome: 'done', damaged: 0, seen: { blobs: 3, manifests: 1 }, progress: 1 });
    expect(await store.list({ prefix: keys.blobPrefix, limit: 10 }, signal)).toEqual(before);
  });

  it.each(HARMS)('fetches anew what was %s', async (_how, harm, reason) => {
    const data = await dataKey('a layer');
    await harm(data);
    const report = await scrubber({ repair: fromElsewhere }).run(signal);
    expect(report).toMatchObject({ damaged: 1, repaired: 1 });
    const found = typeof reason === 'string' ? reason : expect.stringMatching(reason);
    const expected = digestOf('a layer');
    expect(report.findings).toEqual([
      expect.objectContaining({ kind: 'blob', digest: expected, data, expected, found, repaired: true }),
    ]);
    expect(told).toHaveLength(1);
    expect(await region.broken(image)).toEqual([]);
    expect(await scrubber().run(signal)).toMatchObject({ damaged: 0 });
  });

  it.each(HARMS)(
    'keeps what was %s out of use where nobody else has it, and tries again the next time',
    async (_how, harm) => {
      await harm(await dataKey('a layer'));
      expect(await scrubber().run(signal)).toMatchObject({ outcome: 'done', damaged: 1, repaired: 0 });
      expect(await absent('a layer')).toBe(true);
      expect(await scrubber({ repair: fromElsewhere }).run(signal)).toMatchObject({ damaged: 1, repaired: 1 });
      expect(await region.broken(image)).toEqual([]);
    },
  );

  it('takes into use again what is right after all', async () => {
    const data = await dataKey('a layer');
    await edit(data, flipped);
    await scrubber().run(signal);
    await edit(data, flipped);
    expect(await scrubber().run(signal)).toMatchObject({ damaged: 0 });
    expect(await region.broken(image)).toEqual([]);
  });

  it('reads bytes that a record holds itself', async () => {
    const text = 'kept in its record';
    const blobs = new BlobStore({ store, clock, random: new SeededRandom(99), inlineBytes: 1_000 });
    const body = Readable.from([Buffer.from(text)], { objectMode: false });
    await blobs.ingest({ digest: digestOf(text), size: text.length }, body, signal);
    expect(await scrubber().run(signal)).toMatchObject({ damaged: 0, seen: { blobs: 4 } });
    await edit(keys.blob(digestOf(text)), flipped);
    expect(await scrubber().run(signal)).toMatchObject({
      damaged: 1,
      findings: [{ kind: 'blob', digest: digestOf(text) }],
    });
    expect(await absent(text)).toBe(true);
  });

  it.each([
    ['is no record', () => Buffer.from('{"size":7,"da')],
    ['lost its beginning', (bytes: Buffer) => bytes.subarray(20)],
    ['says another size', (bytes: Buffer) => Buffer.from(bytes.toString().replace('"size":7', '"size":9'))],
    ['names other data', (bytes: Buffer) => Buffer.from(bytes.toString().replace(/data\/[^"]*/, 'data/elsewhere'))],
  ])('gets a blob anew whose record %s', async (_how, change) => {
    await edit(keys.blob(digestOf('a layer')), change);
    const report = await scrubber({ repair: fromElsewhere }).run(signal);
    expect(report.outcome).toBe('done');
    expect(await region.broken(image)).toEqual([]);
    expect(await scrubber().run(signal)).toMatchObject({ damaged: 0 });
  });

  it('finds that a manifest names a blob which has no record at all', async () => {
    await store.delete(keys.blob(digestOf('a layer')), signal);
    const report = await scrubber({ repair: fromElsewhere }).run(signal);
    expect(report).toMatchObject({ damaged: 1, repaired: 1, findings: [{ kind: 'missing', expected: '7 bytes' }] });
    expect(await region.broken(image)).toEqual([]);
  });

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['content', flipped],
    ['beginning', (bytes) => bytes.subarray(9)],
  ])(
    'restores a manifest from the journal whose %s is damaged, and nobody is given the wrong one',
    async (_what, change) => {
      const reference = { kind: 'digest', digest: image.digest } as const;
      await edit(keys.manifest(APP, image.digest), change);
      await expect(region.pull.manifest(APP, reference, signal)).rejects.toThrow();
      const report = await scrubber().run(signal);
      expect(report).toMatchObject({ damaged: 1, repaired: 1, findings: [{ kind: 'manifest', repository: APP }] });
      expect((await region.pull.manifest(APP, reference, signal))?.content).toEqual(image.content);
    },
  );

  it.each([
    ['other bytes', (bytes: Buffer) => flipped(bytes)],
    ['no place', (bytes: Buffer) => bytes.subarray(4)],
  ])('restores a manifest with %s as another region holds it, where the journal was cut', async (_what, change) => {
    for await (const entry of region.journal.read(0, signal)) if (entry.type === 'manifest.put') elsewhere = entry;
    const before = await store.read(keys.manifest(APP, image.digest), signal);
    await edit(keys.manifest(APP, image.digest), change);
    expect(await scrubber().run(signal)).toMatchObject({ outcome: 'done', damaged: 1, repaired: 1 });
    expect((await store.read(keys.manifest(APP, image.digest), signal))?.bytes).toEqual(before?.bytes);
  });

  it('puts back nothing of a region that is behind', async () => {
    for await (const entry of region.journal.read(0, signal))
      if (entry.type === 'manifest.put') elsewhere = { ...entry, seq: 0 };
    await edit(keys.manifest(APP, image.digest), flipped);
    expect(await scrubber().run(signal)).toMatchObject({ outcome: 'done', damaged: 1, repaired: 0 });
  });

  it('does not bring back a manifest that was deleted, whose tombstone is damaged', async () => {
    await region.push.deleteManifest(APP, { kind: 'digest', digest: image.digest }, signal);
    await edit(keys.manifest(APP, image.digest), (bytes) => bytes.subarray(4));
    expect(await scrubber().run(signal)).toMatchObject({ damaged: 1, repaired: 1 });
    expect(await region.pull.manifest(APP, { kind: 'digest', digest: image.digest }, signal)).toBeUndefined();
  });

  it('reads no faster than it is told to', async () => {
    for (let index = 0; index < 10; index += 1) await region.upload(`${index}`.repeat(1_000));
    const beganMs = clock.monotonic();
    const scrub = scrubber();
    const running = scrub.run(signal, { rateBytesPerSecond: 1_000 });
    await clock.advance(5_000);
    const { seen, progress, estimatedEndMs = 0 } = scrub.report as ScrubReport;
    expect(seen.bytes).toBeGreaterThan(2_000);
    expect(seen.bytes).toBeLessThan(8_000 + 4_000);
    expect(progress).toBeGreaterThan(0);
    expect(estimatedEndMs).toBeGreaterThan(clock.now());
    await clock.advance(20_000);
    expect((await running).seen.bytes).toBeGreaterThan(10_000);
    expect(clock.monotonic() - beganMs).toBe(25_000);
  });

  it('goes on where it was interrupted, in whichever process', async () => {
    for (let index = 0; index < 40; index += 1) await region.upload(`${index}`.padEnd(1_000, '.'));
    const stopping = new AbortController();
    const first = scrubber();
    const running = first.run(stopping.signal, { rateBytesPerSecond: 1_000 });
    const outcome = running.catch((error: unknown) => error);
    await clock.advance(30_000);
    stopping.abort(new Error('the process ends'));
    expect(await outcome).toMatchObject({ message: 'the process ends' });
    const seenBefore = first.report?.seen.blobs ?? 0;
    await clock.advance(61_000);
    const report = await scrubber().run(signal);
    expect(report.scrub).toBe(first.report?.scrub);
    expect(report).toMatchObject({ outcome: 'done', seen: { manifests: 1 } });
    // What came after the last time that it said how far it was is read twice; the rest is not.
    expect(report.seen.blobs).toBeGreaterThanOrEqual(43);
    expect(report.seen.blobs).toBeLessThan(43 + seenBefore);
  });

  it('goes on past what the store does not give', async () => {
    const data = await dataKey('a layer');
    const failing = opening((key: string, options: Parameters<Open>[1]) =>
      key === data
        ? Promise.reject(new StorageError('unavailable', { driver: 'memory', operation: 'open', key }))
        : store.open(key, options),
    );
    const report = await scrubber({ on: failing }).run(signal);
    expect(report).toMatchObject({ outcome: 'done', damaged: 0, unreadable: 1 });
    expect(unreadable).toEqual([keys.blob(digestOf('a layer'))]);
    expect(await absent('a layer')).toBe(false);
  });

  it('runs once in a region', async () => {
    const [first, second] = await Promise.allSettled([scrubber().run(signal), scrubber().run(signal)]);
    expect([first.status, second.status].sort()).toEqual(['fulfilled', 'rejected']);
    const refused = first.status === 'rejected' ? first : second;
    expect(refused).toMatchObject({ reason: expect.any(UpkeepRunning) });
  });
});

describe('while others work', () => {
  /** A scrub that finds the bytes of a blob wrong, and something that happens between its two looks at them. */
  async function scrubWhile(text: string, meanwhile: () => Promise<unknown>): Promise<ScrubReport> {
    const data = await dataKey(text);
    await edit(data, flipped);
    let looks = 0;
    const watched = opening(async (key: string, options: Parameters<Open>[1]) => {
      const opened = await store.open(key, options);
      if (key === data) looks += 1;
      if (key === data && looks === 2) await meanwhile();
      return opened;
    });
    return scrubber({ on: watched }).run(signal);
  }

  it('what was found by somebody else and pushed again stays in use', async () => {
    const report = await scrubWhile('a layer', async () => {
      const record = await region.content.blobs.stat(digestOf('a layer'), signal);
      if (record === undefined) throw new Error('it is not here');
      await region.content.blobs.quarantine({ ...record, reason: 'somebody else' }, signal);
      await region.upload('a layer');
    });
    expect(report).toMatchObject({ damaged: 0 });
    expect(await region.broken(image)).toEqual([]);
  });

  it('what is collected is not reported', async () => {
    const push: TestImage = testImage('two', 'short lived');
    await region.pushImage(push, 'v2');
    await region.push.deleteManifest(APP, { kind: 'digest', digest: push.digest }, signal);
    await region.collector.runCycle(signal);
    await clock.advance(GRACE_MS);
    const data = (await region.content.blobs.records.inspect(digestOf('short lived'), signal))?.header.data ?? '';
    let looks = 0;
    const watched = opening(async (key: string, options: Parameters<Open>[1]) => {
      if (key === data && looks++ === 0) await region.collector.runCycle(signal);
      return store.open(key, options);
    });
    expect(await scrubber({ on: watched }).run(signal)).toMatchObject({ outcome: 'done', damaged: 0 });
  });

  it('what is on notice of a collection and damaged never comes back', async () => {
    await region.upload('abandoned');
    await region.collector.runCycle(signal);
    const { header } = (await region.content.blobs.records.inspect(digestOf('abandoned'), signal)) ?? {};
    await edit(header?.data ?? '', flipped);
    expect(await scrubber().run(signal)).toMatchObject({ damaged: 1 });
    expect(await absent('abandoned')).toBe(true);
  });
});
