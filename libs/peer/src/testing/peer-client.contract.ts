import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseRegionName } from '#libs/geo';
import type { Entry } from '#libs/journal';
import { digestOf, parseReference, parseRepositoryName, parseTag } from '#libs/oci';
import { type PeerClient, PeerError, type RegionStatus } from '../index.js';
import { MemoryRegion } from './memory-region.js';

/** A client and what it is linked to. */
export interface LinkedPeer {
  readonly client: PeerClient;
  /** Nothing of the region can be reached from now on. */
  cut(): Promise<void>;
  close(): Promise<void>;
}

const repository = parseRepositoryName('team/app');
const status: RegionStatus = {
  region: parseRegionName('south'),
  role: 'primary',
  ready: true,
  generation: 'g1',
  epoch: 1,
  watermark: 3,
  beyond: [5],
  head: 5,
  oldestPendingMs: undefined,
  backlog: { entries: 1, bytes: 10 },
  heardMs: 1_000,
  policySeq: 0,
  failed: [{ seq: 4, reason: 'no source has it' }],
  lagSeconds: 0.5,
  timeMs: 2_000,
};

const entry = (seq: number): Entry => ({
  type: 'tag.delete',
  repository,
  tag: parseTag('old'),
  seq,
  epoch: 1,
  timeMs: 1_000,
});

/** What every way to reach another region has in common. */
export function describePeerClient(name: string, link: (region: MemoryRegion) => Promise<LinkedPeer>): void {
  describe(`peer client: ${name}`, () => {
    const signal = new AbortController().signal;
    let region: MemoryRegion;
    let peer: LinkedPeer;

    beforeEach(async () => {
      region = new MemoryRegion(status);
      peer = await link(region);
    });
    afterEach(async () => peer.close());

    it('reads the journal after a place, with heads and hints', async () => {
      const blob = region.addBlob('soon');
      region.messages.push(
        { kind: 'head', seq: 2, epoch: 1, timeMs: 5 },
        { kind: 'entry', entry: entry(1) },
        { kind: 'entry', entry: entry(2) },
        { kind: 'hint', blob },
      );
      const heard = [];
      for await (const message of peer.client.journal(1, signal)) heard.push(message);
      expect(heard).toEqual([
        { kind: 'head', seq: 2, epoch: 1, timeMs: 5 },
        { kind: 'entry', entry: entry(2) },
        { kind: 'hint', blob },
      ]);
    });

    it.each([
      ['the whole', undefined, 'content of a blob'],
      ['a range', { start: 8, end: 9 }, 'of'],
      ['the rest', { start: 11 }, 'a blob'],
    ] as const)('opens %s of a blob, with the size of all of it', async (_what, range, expected) => {
      const blob = region.addBlob('content of a blob');
      const opened = await peer.client.openBlob(blob.digest, { ...(range === undefined ? {} : { range }), signal });
      expect(opened?.size).toBe(17);
      expect((await buffer(opened?.body ?? Readable.from([]))).toString()).toBe(expected);
    });

    it('gives small blobs together, and says which it does not have', async () => {
      const blobs = ['one', 'other', ''].map((content) => region.addBlob(content));
      const absent = { digest: digestOf('nothing'), size: 7 };
      const found: (string | undefined)[] = [];
      const asked = [...blobs.slice(0, 1), absent, ...blobs.slice(1)];
      for await (const bytes of peer.client.fewBlobs?.(asked, signal) ?? []) {
        found.push(bytes && Buffer.from(bytes).toString());
      }
      expect(found).toEqual(['one', undefined, 'other', '']);
    });

    it('tells the size of a blob without reading it', async () => {
      const blob = region.addBlob('content');
      expect(await peer.client.statBlob(blob.digest, signal)).toEqual(blob);
    });

    it('tells whether a repository may read a blob', async () => {
      const blob = region.addBlob('content');
      expect(await peer.client.findLinkedBlob(repository, blob.digest, signal)).toBeUndefined();
      region.link(repository, blob);
      expect(await peer.client.findLinkedBlob(repository, blob.digest, signal)).toEqual(blob);
    });

    it('finds a manifest by tag and by digest', async () => {
      const manifest = region.addManifest(repository, 'v1', '{"schemaVersion":2}');
      for (const reference of ['v1', manifest.digest]) {
        const found = await peer.client.findManifest(repository, parseReference(reference), signal);
        expect(found).toMatchObject({ digest: manifest.digest, mediaType: manifest.mediaType });
        expect(Buffer.from(found?.content ?? []).toString()).toBe('{"schemaVersion":2}');
        expect(found?.tagSeq).toBe(reference === 'v1' ? 1 : undefined);
      }
    });

    it('says undefined for what the region does not have', async () => {
      const digest = digestOf('nothing');
      expect(await peer.client.openBlob(digest, { signal })).toBeUndefined();
      expect(await peer.client.statBlob(digest, signal)).toBeUndefined();
      expect(await peer.client.findManifest(repository, parseReference('v1'), signal)).toBeUndefined();
    });

    it('tells the status, once and as a stream', async () => {
      expect(await peer.client.status(signal)).toEqual(status);
      for await (const heard of peer.client.statusStream(signal)) {
        expect(heard).toEqual(status);
        break;
      }
    });

    it('tells what the region has of an image', async () => {
      const { digest } = region.addManifest(repository, 'v1', '{}');
      const image = { repository, reference: parseReference('v1') };
      expect(await peer.client.presence(image, { waitMs: 10, signal })).toMatchObject({ state: 'present', digest });
    });

    it('rejects with the reason of a signal that aborted', async () => {
      const reason = new Error('enough');
      await expect(peer.client.status(AbortSignal.abort(reason))).rejects.toBe(reason);
    });

    it('rejects with a retryable error when the region is out of reach', async () => {
      await peer.cut();
      const error: unknown = await peer.client.status(signal).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(PeerError);
      expect(error).toMatchObject({ code: 'unreachable', retryable: true });
    });
  });
}
