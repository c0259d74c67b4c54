import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parsePolicy, parseRegionName } from '#libs/geo';
import { type Digest, digestOf, parseReference, parseRepositoryName } from '#libs/oci';
import { PeerError } from '#libs/peer';
import { MemoryPeerClient, MemoryRegion } from '#libs/peer/testing';
import { applyEntry, LocalPull, openRegionContent, type RegionContent, StoreReader } from '#libs/registry';
import { systemClock } from '#libs/resilience';
import { SeededRandom, settle } from '#libs/resilience/testing';
import { type ByteRange, MemoryObjectStore } from '#libs/storage';
import { FetchThrough } from './fetch-through.js';
import { freshProgress } from './progress-store.js';
import { ReadThroughPull } from './read-through-pull.js';
import { ExcludedHere, Residency } from './selection.js';

const signal = new AbortController().signal;
const repository = parseRepositoryName('team/app');
const other = parseRepositoryName('team/other');
const text = 'the content of a layer';

/** A primary whose bytes come when the test lets them, in halves. */
class GatedPeer extends MemoryPeerClient {
  opened = 0;
  /** What is sent instead of the truth. */
  lie: string | undefined;
  /** Breaks in the middle, so many times. */
  breaks = 0;
  #open: () => void = () => undefined;
  #gate = Promise.resolve();

  close(): void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  release(): void {
    this.#open();
  }

  override async openBlob(
    digest: Digest,
    options: { readonly range?: ByteRange; readonly signal: AbortSignal },
  ): Promise<{ readonly size: number; readonly body: Readable } | undefined> {
    const opened = await super.openBlob(digest, options);
    if (opened === undefined) return undefined;
    this.opened += 1;
    const bytes = this.lie === undefined ? await buffer(opened.body) : Buffer.from(this.lie);
    return { size: opened.size, body: Readable.from(this.#halves(bytes)) };
  }

  async *#halves(bytes: Buffer): AsyncGenerator<Buffer> {
    const middle = Math.ceil(bytes.length / 2);
    yield bytes.subarray(0, middle);
    await this.#gate;
    if (!this.reachable || this.breaks > 0) {
      this.breaks -= 1;
      throw new PeerError('stalled', this.region, 'it broke off');
    }
    yield bytes.subarray(middle);
  }
}

describe('ReadThroughPull', () => {
  let directory: string;
  let remote: MemoryRegion;
  let origin: GatedPeer;
  let content: RegionContent;
  let pending: boolean;
  let residency: Residency;
  let stored: string[];
  let ended: number;
  const stop = new AbortController();

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'meridian-spool-'));
    const region = parseRegionName('south');
    remote = new MemoryRegion({
      ...freshProgress('g'),
      region,
      role: 'primary',
      ready: true,
      lagSeconds: 0,
      timeMs: 1,
    });
    origin = new GatedPeer(remote);
    const store = new MemoryObjectStore({ clock: systemClock });
    content = openRegionContent({ store, clock: systemClock, random: new SeededRandom(1) });
    pending = false;
    residency = new Residency(parseRegionName('north'));
    stored = [];
    ended = 0;
  });

  afterEach(async () => {
    await until(async () => (await readdir(directory)).length === 0);
    await rm(directory, { recursive: true });
  });

  let fetches: FetchThrough;

  function pull(maxSpoolBytes?: number): ReadThroughPull {
    fetches = new FetchThrough({
      blobs: content.blobs,
      source: origin,
      directory,
      ...(maxSpoolBytes === undefined ? {} : { maxSpoolBytes }),
      clock: systemClock,
      random: new SeededRandom(2),
      onStored: (blob) => {
        stored.push(blob.digest);
        ended += 1;
      },
      onError: () => {
        ended += 1;
      },
      signal: stop.signal,
    });
    return new ReadThroughPull({
      local: new LocalPull(content, new StoreReader(content)),
      content,
      origin,
      fetches,
      residency,
      isPending: () => pending,
      retryAfterSeconds: () => 17,
      clock: systemClock,
    });
  }

  async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
    const giveUpAt = systemClock.monotonic() + 5_000;
    while (!(await condition())) {
      if (systemClock.monotonic() > giveUpAt) throw new Error('it never came to be');
      await settle();
    }
  }

  function remoteBlob(bytes = text) {
    const blob = remote.addBlob(bytes);
    remote.link(repository, blob);
    return blob;
  }

  async function open(from: ReadThroughPull, digest: Digest, range?: ByteRange): Promise<Readable> {
    const found = await from.blob(repository, digest, signal);
    if (found === undefined) throw new Error('the blob is not there');
    return found.open(range, signal);
  }

  it('never serves an older tag than it served before, also when its own older one is applied afterwards', async () => {
    const tag = parseReference('v1');
    if (tag.kind !== 'tag') throw new Error('not a tag');
    const put = (seq: number, bytes: string) => {
      const digest = digestOf(bytes);
      const entry = { repository, digest, mediaType: 'application/json', content: bytes, blobs: [], children: [] };
      const envelope = { seq, epoch: 1, timeMs: 1, type: 'manifest.put' } as const;
      return applyEntry(content, { ...envelope, ...entry, tags: [tag.tag] }, signal);
    };
    remote.addManifest(repository, 'v1', '{"older":true}');
    const newer = remote.addManifest(repository, 'v1', '{"newer":true}');
    const reading = pull();
    expect(await reading.manifest(repository, tag, signal)).toMatchObject({ digest: newer.digest, tagSeq: 2 });
    await put(1, '{"older":true}');
    expect(await reading.manifest(repository, tag, signal)).toMatchObject({ digest: newer.digest });
    origin.reachable = false;
    await expect(reading.manifest(repository, tag, signal)).rejects.toMatchObject({ status: 503 });
    await put(2, '{"newer":true}');
    expect(await reading.manifest(repository, tag, signal)).toMatchObject({ digest: newer.digest, source: 'local' });
  });

  it('fetches nothing by digest where tags decide, but what a manifest that is shown here names', async () => {
    const rules = [{ regions: ['north'], repositories: '**', tags: 'dev', action: 'exclude' }];
    residency.update({ seq: 1, policy: parsePolicy({ rules }) }, undefined);
    const [blob, other] = [remoteBlob(), remoteBlob('other')];
    const { digest } = remote.addManifest(repository, 'dev', '{"dev":true}');
    const reading = pull();
    await expect(reading.manifest(repository, { kind: 'digest', digest }, signal)).rejects.toThrow(ExcludedHere);
    await expect(reading.blob(repository, blob.digest, signal)).rejects.toMatchObject({ decision: { rule: 0 } });
    await content.links.add(repository, other.digest, 1, signal);
    expect(await reading.blob(repository, other.digest, signal)).toMatchObject({ size: other.size });
    expect(stored).toEqual([]);
  });

  it('ends what is fetched when the policy changes, and stores nothing of it', async () => {
    const blob = remoteBlob();
    const reading = pull();
    origin.close();
    const body = buffer(await open(reading, blob.digest));
    fetches.interrupt(new Error('the policy changed'));
    origin.release();
    await expect(body).rejects.toThrow('the policy changed');
    await until(() => ended === 1);
    expect(await content.blobs.stat(blob.digest, signal)).toBeUndefined();
  });

  it('gives a blob that is not here to many clients with one fetch, and stores it', async () => {
    const blob = remoteBlob();
    const reading = pull();
    origin.close();
    const streams = await Promise.all(Array.from({ length: 20 }, () => open(reading, blob.digest)));
    const bodies = streams.map((stream) => buffer(stream));
    origin.release();
    for (const body of await Promise.all(bodies)) expect(body.toString()).toBe(text);
    expect(origin.opened).toBe(1);
    await until(() => ended === 1);
    expect(stored).toEqual([blob.digest]);
    expect(await content.blobs.stat(blob.digest, signal)).toMatchObject(blob);
  });

  it('gives the first bytes before the last ones came', async () => {
    const blob = remoteBlob();
    origin.close();
    const stream = await open(pull(), blob.digest);
    const first: Buffer = await new Promise((resolve) => stream.once('data', resolve));
    expect(text.startsWith(first.toString())).toBe(true);
    origin.release();
    await until(() => ended === 1);
    stream.destroy();
  });

  it('gives a range of what is being fetched', async () => {
    const blob = remoteBlob();
    expect((await buffer(await open(pull(), blob.digest, { start: 4, end: 10 }))).toString()).toBe('content');
    await until(() => ended === 1);
  });

  it('goes on where the source broke off', async () => {
    const blob = remoteBlob();
    origin.breaks = 2;
    expect((await buffer(await open(pull(), blob.digest))).toString()).toBe(text);
    await until(() => ended === 1);
    expect(stored).toEqual([blob.digest]);
  });

  it('never ends well with wrong bytes, and stores none of them', async () => {
    const blob = remoteBlob();
    origin.lie = 'THE CONTENT OF A LAYER';
    const stream = await open(pull(), blob.digest);
    let received = 0;
    stream.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    await expect(new Promise((resolve, reject) => stream.once('end', resolve).once('error', reject))).rejects.toThrow();
    expect(received).toBeLessThan(blob.size);
    await until(() => ended === 1);
    expect(await content.blobs.stat(blob.digest, signal)).toBeUndefined();
  });

  it('fails every client when the source is lost for good', async () => {
    const blob = remoteBlob();
    const reading = pull();
    origin.close();
    const streams = await Promise.all([open(reading, blob.digest), open(reading, blob.digest)]);
    const bodies = streams.map((stream) => buffer(stream));
    origin.reachable = false;
    origin.release();
    for (const outcome of await Promise.allSettled(bodies)) expect(outcome.status).toBe('rejected');
    await until(() => ended === 1);
    expect(stored).toEqual([]);
  });

  it('goes on and stores the blob when the client that asked has gone', async () => {
    const blob = remoteBlob();
    origin.close();
    const stream = await open(pull(), blob.digest);
    stream.destroy();
    origin.release();
    await until(() => ended === 1);
    expect(stored).toEqual([blob.digest]);
  });

  it('refuses to fetch more at once than the spool may hold', async () => {
    const [first, second] = [remoteBlob('one blob'), remoteBlob('another blob')];
    const reading = pull(10);
    origin.close();
    const stream = await open(reading, first.digest);
    await expect(open(reading, second.digest)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    origin.release();
    await buffer(stream);
    await until(async () => ended === 1 && (await readdir(directory)).length === 0);
    expect((await buffer(await open(reading, second.digest))).toString()).toBe('another blob');
    await until(() => ended === 2);
  });

  it('serves a manifest from the primary at once, by tag and by digest', async () => {
    const { digest } = remote.addManifest(repository, 'v1', '{"schemaVersion":2}');
    for (const reference of ['v1', digest]) {
      const found = await pull().manifest(repository, parseReference(reference), signal);
      expect(found).toMatchObject({ digest });
    }
  });

  describe('of a manifest that the primary gave a moment ago', () => {
    const config = digestOf('a config');
    const asked: Digest[] = [];

    async function pulled() {
      asked.length = 0;
      const blob = remoteBlob();
      const image = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json' };
      const descriptor = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: config, size: 8 };
      const layers = [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...blob }];
      remote.addManifest(repository, 'v1', JSON.stringify({ ...image, config: descriptor, layers }));
      const find = origin.findLinkedBlob.bind(origin);
      origin.findLinkedBlob = (inside, digest, finding) => {
        asked.push(digest);
        return find(inside, digest, finding);
      };
      const reading = pull();
      await reading.manifest(repository, parseReference('v1'), signal);
      return { reading, blob };
    }

    it('gives blobs without asking whether the repository has them', async () => {
      const { reading, blob } = await pulled();
      expect((await buffer(await open(reading, blob.digest))).toString()).toBe(text);
      await until(() => ended === 1);
      expect(asked).toEqual([]);
    });

    it('asks for them in another repository, and in that one when they were deleted there', async () => {
      const { reading, blob } = await pulled();
      expect(await reading.blob(other, blob.digest, signal)).toBeUndefined();
      await content.links.remove(repository, blob.digest, 9, signal);
      await reading.blob(repository, blob.digest, signal);
      expect(asked).toEqual([blob.digest, blob.digest]);
    });
  });

  it('serves bytes that are here for another repository only when the primary says that this one may read them', async () => {
    const blob = remote.addBlob(text);
    await content.blobs.ingest(blob, Readable.from([Buffer.from(text)]), signal);
    expect(await pull().blob(other, blob.digest, signal)).toBeUndefined();
    remote.link(other, blob);
    const found = await pull().blob(other, blob.digest, signal);
    expect(found).toMatchObject({ source: 'local' });
    expect(origin.opened).toBe(0);
  });

  it('says "no such thing" only when the primary does', async () => {
    expect(await pull().manifest(repository, parseReference('v1'), signal)).toBeUndefined();
    expect(await pull().blob(repository, digestOf('nothing'), signal)).toBeUndefined();
  });

  it.each([
    [true, 'REPLICATION_PENDING'],
    [false, 'UNAVAILABLE'],
  ])('says "not yet" when the primary is out of reach (entries pending: %s)', async (isPending, code) => {
    origin.reachable = false;
    pending = isPending;
    const refusal = { code, headers: { 'Retry-After': '17' } };
    await expect(pull().manifest(repository, parseReference('v1'), signal)).rejects.toMatchObject(refusal);
    await expect(pull().blob(repository, digestOf('nothing'), signal)).rejects.toMatchObject(refusal);
  });
});
