import { Readable } from 'node:stream';
import { beforeEach, expect, it } from '@jest/globals';
import type { Entry } from '#libs/journal';
import { digestOf } from '#libs/oci';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { MemoryObjectStore } from '#libs/storage';
import { applyEntry } from '../apply-entry.js';
import { openRegionContent, type RegionContent } from '../region-content.js';
import { Collector } from './collector.js';
import { entryReferences } from './references.js';
import { localSweeper } from './sweeper.js';
import { APP, GRACE_MS, testImage } from './testing/collected-region.js';

const signal = new AbortController().signal;
const [applied, waiting, left] = [testImage('applied', 'a'), testImage('waiting', 'b'), testImage('left', 'c')];

let clock: FakeClock;
let content: RegionContent;
let collector: Collector;
let pending: Entry[];

function put({ digest, content: bytes, texts }: typeof applied, seq: number): Entry {
  const blobs = texts.map((text) => ({ digest: digestOf(text), size: text.length }));
  const manifest = { digest, mediaType: 'application/vnd.oci.image.manifest.v1+json', content: bytes.toString() };
  return {
    type: 'manifest.put',
    repository: APP,
    ...manifest,
    blobs,
    children: [],
    tags: [],
    seq,
    epoch: 1,
    timeMs: 0,
  };
}

const present = async (text: string) => (await content.blobs.records.inspect(digestOf(text), signal))?.header.state;

beforeEach(async () => {
  clock = new FakeClock();
  const [store, random] = [new MemoryObjectStore({ clock }), new SeededRandom(1)];
  content = openRegionContent({ store, clock, random });
  pending = [];
  collector = new Collector({
    ...{ store, content, clock, random, graceMs: GRACE_MS, ownsLinks: false, maxShare: 0.5, name: 'a test' },
    pending: entryReferences(() => pending),
    sweeper: localSweeper(content.blobs),
    uploads: { idleMs: 60_000, maxAgeMs: 600_000 },
    onFinished: () => undefined,
  });
  for (const text of [...applied.texts, ...waiting.texts, ...left.texts]) {
    const blob = { digest: digestOf(text), size: text.length };
    await content.blobs.ingest(blob, Readable.from([Buffer.from(text)]), signal);
  }
  await applyEntry(content, put(applied, 1), signal);
});

it('takes from a replica what no manifest needs, and nothing that an entry waits for', async () => {
  pending = [put(waiting, 2)];
  await collector.runCycle(signal);
  await clock.advance(GRACE_MS);
  await collector.runCycle(signal);
  expect([await present('a'), await present('b'), await present('c')]).toEqual(['live', 'live', 'gone']);
});

it('spares at a replica what an entry came to need between the two collections', async () => {
  await collector.runCycle(signal);
  expect(await present('b')).toBe('condemned');
  await clock.advance(GRACE_MS);
  pending = [put(waiting, 2)];
  await collector.runCycle(signal);
  expect([await present('b'), await present('c')]).toEqual(['live', 'gone']);
});

it("lets the primary's sweep end a replica's links, and none of its blobs", async () => {
  const links = [{ repository: APP, digest: digestOf('a') }];
  const sweep = { type: 'blobs.sweep', cycle: 'another', blobs: [digestOf('a')], links } as const;
  await applyEntry(content, { ...sweep, seq: 3, epoch: 1, timeMs: 0 }, signal);
  expect(await content.links.has(APP, digestOf('a'), signal)).toBe(false);
  expect(await present('a')).toBe('live');
});
