import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { deriveClusterKey, issueRegionToken, parseRegionName } from '#libs/geo';
import { bucketOf, type Entry, type JournalReader } from '#libs/journal';
import { digestOf, formatReference, parseReference, parseRepositoryName, parseTag } from '#libs/oci';
import { HttpPeerClient, type JournalMessage, type RegionStatus } from '#libs/peer';
import { MemoryRegion } from '#libs/peer/testing';
import { applyEntry, LocalSummary, openRegionContent, type RegionContent } from '#libs/registry';
import { Notifier, systemClock, systemRandom } from '#libs/resilience';
import { MemoryObjectStore } from '#libs/storage';
import { Access } from '../access.js';
import { openExchange } from '../exchange.js';
import { sendError } from '../send-error.js';
import { Hints } from './hints.js';
import { PeerApi, type PeerApiOptions } from './peer-api.js';

const key = deriveClusterKey(Buffer.alloc(32, 1), 'region-token');
const south = parseRegionName('south');
const repository = parseRepositoryName('team/app');
const { signal } = new AbortController();
const state: RegionStatus = {
  region: south,
  role: 'primary',
  ready: true,
  generation: 'g1',
  epoch: 1,
  watermark: 3,
  beyond: [],
  head: 3,
  oldestPendingMs: undefined,
  backlog: { entries: 0, bytes: 0 },
  heardMs: 1_000,
  policySeq: 0,
  failed: [],
  lagSeconds: 0,
  timeMs: 2_000,
};
const entry = (seq: number): Entry => ({
  type: 'tag.delete',
  repository,
  tag: parseTag('old'),
  seq,
  epoch: 1,
  timeMs: seq,
});

/** A journal that is data. */
class MemoryJournal implements JournalReader {
  cut = 0;
  readonly #entries: Entry[] = [];
  readonly #elsewhere: Entry[] = [];
  readonly #appended = new Notifier();

  get head() {
    const { seq = 0, epoch = 0, timeMs = 0 } = this.#entries.at(-1) ?? {};
    return { seq, epoch, timeMs, chain: undefined };
  }

  async cutOff(): Promise<number> {
    return this.cut;
  }

  append(): void {
    this.#entries.push(entry(this.#entries.length + 1));
    this.#appended.notify();
  }

  /** Another process appends an entry; this one has not looked yet. */
  appendElsewhere(): void {
    this.#elsewhere.push(entry(this.#entries.length + this.#elsewhere.length + 1));
  }

  async *read(after: number) {
    yield* this.#entries.slice(after);
  }

  async *follow(after: number, ended: AbortSignal) {
    for (let seen = after; ; ) {
      const { version } = this.#appended;
      for await (const next of this.read(seen)) {
        seen = next.seq;
        yield next;
      }
      const limitMs = Number.POSITIVE_INFINITY;
      await this.#appended.waitFor(version, { limitMs, clock: systemClock, signal: ended });
    }
  }

  refresh() {
    this.#entries.push(...this.#elsewhere.splice(0));
    return Promise.resolve(this.head);
  }

  refreshWithin() {
    return this.refresh();
  }
}

async function all<T>(values: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const value of values) found.push(value);
  return found;
}

describe('the internal API, as a peer client finds it', () => {
  let region: MemoryRegion;
  let bucket: MemoryObjectStore;
  let content: RegionContent;
  let journal: MemoryJournal;
  let hints: Hints;
  let api: PeerApi;
  let client: HttpPeerClient;
  let origin: string;
  let close: () => Promise<void>;

  beforeEach(async () => {
    region = new MemoryRegion(state);
    bucket = new MemoryObjectStore({ clock: systemClock });
    content = openRegionContent({
      store: bucket,
      clock: systemClock,
      random: systemRandom,
    });
    journal = new MemoryJournal();
    hints = new Hints();
    await serve(new PeerApi({ ...sources(), journal }));
  });
  afterEach(() => close());

  function sources(): PeerApiOptions {
    return {
      content,
      pull: {
        manifest: async (name, reference) => {
          const found = region.manifest(name, formatReference(reference));
          return found === undefined ? undefined : { ...found, source: 'local' as const };
        },
        blob: async (name, digest) => {
          const linked = region.linked(name, digest);
          const open = () => Promise.resolve(Readable.from([]));
          return linked === undefined ? undefined : { ...linked, source: 'local' as const, open };
        },
      },
      summary: new LocalSummary({
        ...{ store: bucket, content, objectsPerSecond: 1_000, rateBytesPerSecond: 1e12, clock: systemClock },
        upTo: async () => ({ seq: 7, epoch: 1 }),
      }),
      hints,
      status: {
        current: () => state,
        changes: async function* () {
          yield state;
          yield state;
        },
      },
      presence: { presence: async (image) => region.presence(image) },
      clock: systemClock,
    };
  }

  async function serve(served: PeerApi): Promise<void> {
    api = served;
    const keys = { grantKey: key, regionTokenKey: key };
    const access = new Access({ region: south, anonymousAccess: 'none', ...keys, clock: systemClock });
    const log = { warn: () => undefined, error: () => undefined };
    const server = createServer(async (request, response) => {
      const gone = new AbortController();
      response.once('close', () => gone.abort(new Error('gone')));
      const exchange = openExchange(request, response, { requestId: 'r1', signal: gone.signal });
      try {
        access.authorise(exchange, 'peer', undefined);
        await served.handle(exchange);
      } catch (error) {
        await sendError(exchange, error, { log, clock: systemClock });
      }
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const self = { kind: 'region', name: parseRegionName('north') } as const;
    client = new HttpPeerClient({ region: south, origin, self, key, clock: systemClock });
    close = async () => {
      await client.close();
      server.closeAllConnections();
      server.close();
    };
  }

  async function listen(
    after: number,
    until: (message: JournalMessage) => boolean,
  ): Promise<readonly JournalMessage[]> {
    const heard: JournalMessage[] = [];
    for await (const message of client.journal(after, signal)) {
      heard.push(message);
      if (until(message)) break;
    }
    return heard;
  }

  const store = (bytes: string) =>
    content.blobs.store({ digest: digestOf(bytes) }, Readable.from([Buffer.from(bytes)]), signal);

  it('begins the journal with its head, and says the head again after the last entry', async () => {
    for (let seq = 1; seq <= 3; seq += 1) journal.append();
    const head = { kind: 'head', seq: 3, epoch: 1, timeMs: 3 };
    let heads = 0;
    const heard = await listen(1, (message) => message.kind === 'head' && ++heads === 2);
    expect(heard).toEqual([head, { kind: 'entry', entry: entry(2) }, { kind: 'entry', entry: entry(3) }, head]);
  });

  it('begins with the head of the region, not with what this process has heard of it', async () => {
    journal.append();
    journal.appendElsewhere();
    const [first] = await listen(0, (message) => message.kind === 'head');
    expect(first).toMatchObject({ kind: 'head', seq: 2 });
  });

  it('goes on with what is appended and committed later', async () => {
    const blob = { digest: digestOf('soon'), size: 4 };
    const kinds = await listen(0, (message) => {
      if (message.kind === 'head' && message.seq === 0) journal.append();
      if (message.kind === 'head' && message.seq === 1) hints.publish(blob);
      return message.kind === 'hint';
    });
    expect(kinds.at(-1)).toEqual({ kind: 'hint', blob });
    expect(kinds).toContainEqual({ kind: 'entry', entry: entry(1) });
  });

  it('says the head once a heartbeat when nothing happens', async () => {
    let heads = 0;
    const heard = await listen(0, () => ++heads === 2);
    expect(heard.map(({ kind }) => kind)).toEqual(['head', 'head']);
  });

  it('gives a long journal whole and in order', async () => {
    for (let seq = 1; seq <= 20_000; seq += 1) journal.append();
    let seen = 0;
    await listen(0, (message) => {
      if (message.kind === 'entry') seen = message.entry.seq;
      return seen === 20_000;
    });
    expect(seen).toBe(20_000);
  });

  it('ends its streams properly when the process stops', async () => {
    const heard = await listen(0, (message) => {
      if (message.kind === 'head') api.close();
      return false;
    });
    expect(heard.at(0)?.kind).toBe('head');
  });

  it('has no journal at a replica', async () => {
    await close();
    await serve(new PeerApi(sources()));
    await expect(listen(0, () => true)).rejects.toMatchObject({ code: 'refused' });
  });

  it.each([
    ['the whole', undefined, 'content of a blob'],
    ['a range', { start: 8, end: 9 }, 'of'],
    ['the rest', { start: 11 }, 'a blob'],
    ['all of it as a range', { start: 0, end: 16 }, 'content of a blob'],
  ])('gives %s of a blob, with the size of all of it', async (_what, range, expected) => {
    const { digest } = await store('content of a blob');
    const opened = await client.openBlob(digest, { ...(range === undefined ? {} : { range }), signal });
    expect(opened?.size).toBe(17);
    expect(await text(opened?.body ?? Readable.from([]))).toBe(expected);
  });

  it('gives small blobs together, and leaves out what is big, damaged or not here', async () => {
    const [one, kept, big] = ['one', 'k'.repeat(100 * 1024), 'b'.repeat(200 * 1024)];
    const asked = [await store(one), { digest: digestOf('nothing'), size: 7 }, await store(kept), await store(big)];
    const found: (number | undefined)[] = [];
    for await (const bytes of client.fewBlobs(asked, signal)) found.push(bytes?.length);
    expect(found).toEqual([one.length, undefined, kept.length, undefined]);
  });

  it('gives a part of a snapshot packed to who unpacks it, and as it is to others', async () => {
    const part = Buffer.from('{"repository":"team/app"}\n'.repeat(1_000));
    await close();
    await serve(new PeerApi({ ...sources(), snapshots: { newest: async () => undefined, part: async () => part } }));
    const name = '00000000-0000-4000-8000-000000000000-1';
    expect(Buffer.from((await client.snapshots.part(7, name, signal)) ?? []).equals(part)).toBe(true);
    const url = `${origin}/_meridian/v1/snapshot/part?seq=7&name=${name}`;
    const token = issueRegionToken(key, { kind: 'region', name: parseRegionName('north') }, systemClock);
    const lengthFor = async (encoding: string): Promise<number> => {
      const headers = { authorization: `Meridian ${token}`, 'accept-encoding': encoding };
      const answer = await fetch(url, { headers });
      await answer.arrayBuffer();
      return Number(answer.headers.get('content-length'));
    };
    expect(await lengthFor('identity')).toBe(part.length);
    expect(await lengthFor('gzip')).toBeLessThan(part.length / 5);
  });

  it('refuses a list of too many blobs', async () => {
    const blobs = Array.from({ length: 65 }, (_, number) => ({ digest: digestOf(String(number)), size: 1 }));
    const asking = client.fewBlobs(blobs, signal)[Symbol.asyncIterator]();
    await expect(asking.next()).rejects.toMatchObject({ code: 'refused' });
  });

  it('tells the size of a blob without its bytes, also of an empty one', async () => {
    for (const bytes of ['content', '']) {
      const { digest } = await store(bytes);
      expect(await client.statBlob(digest, signal)).toEqual({ digest, size: bytes.length });
    }
  });

  it('tells which blobs a repository may read, and gives manifests by tag and by digest', async () => {
    const blob = region.addBlob('content');
    region.link(repository, blob);
    expect(await client.findLinkedBlob(repository, blob.digest, signal)).toEqual(blob);
    const { digest } = region.addManifest(repository, 'v1', '{"schemaVersion":2}');
    for (const reference of ['v1', digest]) {
      const found = await client.findManifest(repository, parseReference(reference), signal);
      expect(found).toMatchObject({ digest, mediaType: 'application/vnd.oci.image.manifest.v1+json' });
      expect(found?.tagSeq).toBe(reference === 'v1' ? 1 : undefined);
    }
  });

  it('says undefined for what is not here', async () => {
    const digest = digestOf('nothing');
    expect(await client.openBlob(digest, { signal })).toBeUndefined();
    expect(await client.statBlob(digest, signal)).toBeUndefined();
    expect(await client.findLinkedBlob(repository, digest, signal)).toBeUndefined();
    expect(await client.findManifest(repository, parseReference('v1'), signal)).toBeUndefined();
  });

  it('tells the status, once and as a stream of whatever is said of it', async () => {
    expect(await client.status(signal)).toEqual(state);
    let count = 0;
    for await (const heard of client.statusStream(signal)) {
      expect(heard).toEqual(state);
      if (++count === 2) break;
    }
    expect(count).toBe(2);
  });

  it('tells what is here of an image', async () => {
    const { digest } = region.addManifest(repository, 'v1', '{}');
    const image = { repository, reference: parseReference('v1') };
    expect(await client.presence(image, { waitMs: 10, signal })).toMatchObject({ state: 'present', digest });
  });

  describe('what the region holds', () => {
    const push = { type: 'manifest.put', repository, mediaType: 'm', content: '{}', digest: digestOf('{}') } as const;
    const tags = [parseTag('v1')];

    beforeEach(async () => {
      const { digest } = await store('layer');
      const blobs = [{ digest, size: 5 }];
      await applyEntry(content, { ...push, blobs, children: [], tags, seq: 3, epoch: 1, timeMs: 9 }, signal);
    });

    it('is told as a tree of digests, and as its leaves', async () => {
      const { summary } = client;
      expect(await summary.upTo(signal)).toBe(7);
      expect(await summary.region(7, signal)).toMatchObject({ repositories: 1, upTo: 7 });
      const [one, ...more] = await all(summary.repositories(7, signal));
      expect([one?.repository, more]).toEqual([repository, []]);
      expect((await summary.buckets(repository, 7, signal)).size).toBe(3);
      const items = await all(summary.items(repository, undefined, signal));
      expect(items).toEqual([
        { kind: 'repository', seq: 0, live: true },
        { kind: 'manifest', digest: push.digest, seq: 3, live: true, missing: [] },
        { kind: 'tag', tag: 'v1', seq: 3, digest: push.digest },
      ]);
      const some = await all(summary.items(repository, new Set(items.slice(2).map(bucketOf)), signal));
      expect(some).toEqual(items.slice(2));
      const found = await summary.manifest(repository, push.digest, signal);
      expect(found).toMatchObject({ ...push, seq: 3, tags: [] });
      expect(await summary.manifest(repository, digestOf('none'), signal)).toBeUndefined();
      const places = await all(summary.links(repository, push.digest, signal));
      expect(places).toEqual([{ digest: digestOf('layer'), seq: 3, live: true }]);
      expect(await all(summary.links(repository, digestOf('none'), signal))).toEqual([]);
    });

    it('is never told in part: an answer that ends early is an error', async () => {
      const items = client.summary.items(repository, undefined, signal)[Symbol.asyncIterator]();
      api.close();
      await expect(Promise.all([items.next(), items.next(), items.next(), items.next()])).rejects.toMatchObject({
        code: 'stalled',
      });
    });
  });

  it('refuses whoever is not of the cluster', async () => {
    expect((await fetch(`${origin}/_meridian/v1/status`)).status).toBe(403);
  });
});
