import { describe, expect, it } from '@jest/globals';
import type { SnapshotHeader, SnapshotRecord } from '#libs/journal';
import { type Digest, digestOf, parseRepositoryName } from '#libs/oci';
import { PulledImages } from './pulled-images.js';
import { SnapshotRecords } from './snapshot-records.js';

const signal = new AbortController().signal;
const repository = parseRepositoryName('team/app');

const digest = (n: number): Digest => digestOf(`image ${n}`);

/** A snapshot of so many images, some in each part. */
function snapshot(images: number, inEach: number) {
  const parts = new Map<string, Buffer>();
  for (let first = 0; first < images; first += inEach) {
    const lines = Array.from({ length: Math.min(inEach, images - first) }, (_, index) => {
      const content = `image ${first + index}`;
      const put = { seq: images - first - index, epoch: 1, timeMs: 1, type: 'manifest.put', repository };
      const entry = {
        ...put,
        digest: digestOf(content),
        mediaType: 'application/json',
        content,
        blobs: [],
        children: [],
        tags: [],
      };
      return `${JSON.stringify({ kind: 'image', entry, tags: [] })}\n`;
    });
    parts.set(`part-${first}`, Buffer.from(lines.join('')));
  }
  const named = [...parts].map(([name, bytes]) => ({
    name,
    digest: digestOf(bytes),
    records: inEach,
    bytes: bytes.length,
  }));
  const read: string[] = [];
  const source = {
    newest: () => Promise.resolve(undefined),
    part: (_seq: number, name: string) => {
      read.push(name);
      return Promise.resolve(parts.get(name));
    },
  };
  return { header: { position: { seq: 9 }, parts: named } as unknown as SnapshotHeader, source, read, parts };
}

function open(images: number, inEach: number, aheadBytes?: number) {
  const made = snapshot(images, inEach);
  const pulled = new PulledImages();
  const ahead = aheadBytes === undefined ? {} : { aheadBytes };
  const records = new SnapshotRecords(made.header, { snapshots: made.source, pulled, ...ahead, signal });
  const come: Digest[] = [];
  const note = (record: SnapshotRecord) => record.kind === 'image' && come.push(record.entry.digest);
  return { ...made, pulled, records, come, note };
}

const inOrder = (count: number) => Array.from({ length: count }, (_, n) => digest(n));

describe('the records of a snapshot', () => {
  it('come in its order, from each part once', async () => {
    const { records, come, note, read } = open(20, 6);
    for await (const record of records.all()) note(record);
    expect(come).toEqual(inOrder(20));
    expect(read).toEqual(['part-0', 'part-6', 'part-12', 'part-18']);
  });

  it('begin with what was pulled most, and go on with what is pulled meanwhile', async () => {
    const { records, come, note, pulled } = open(20, 20);
    for (const n of [9, 7, 7]) pulled.pulled({ repository, digest: digest(n) });
    for await (const record of records.all()) {
      note(record);
      if (come.length === 4) pulled.pulled({ repository, digest: digest(15) });
    }
    expect(come.slice(0, 6)).toEqual([7, 9, 0, 1, 15, 2].map(digest));
    expect(new Set(come)).toEqual(new Set(inOrder(20)));
  });

  it('are read ahead no further than the limit', async () => {
    const { records, read } = open(20, 2, 1);
    for await (const _ of records.all()) break;
    await new Promise(setImmediate);
    expect(read.length).toBeLessThanOrEqual(2);
  });

  it('end with what is wrong when a part is gone', async () => {
    const { records, come, note, parts } = open(20, 10);
    parts.delete('part-10');
    const all = async () => {
      for await (const record of records.all()) note(record);
    };
    await expect(all()).rejects.toMatchObject({ code: 'truncated' });
    expect(come).toEqual(inOrder(10));
  });
});
