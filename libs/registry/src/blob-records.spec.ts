import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { digestOf } from '#libs/oci';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { MemoryObjectStore } from '#libs/storage';
import { type BlobHeader, decodeBlob, encodeBlob, LONGEST_GONE_BYTES } from './blob-record.js';
import { BlobStore } from './blob-store.js';

const signal = new AbortController().signal;
const text = 'a layer';
const digest = digestOf(text);
const blob = { digest, size: text.length };

function open() {
  const clock = new FakeClock();
  const store = new MemoryObjectStore({ clock });
  const blobs = new BlobStore({ store, clock, random: new SeededRandom(1), adoptWithinMs: 1_000 });
  const push = () => blobs.ingest(blob, Readable.from([Buffer.from(text)]), signal);
  const move = async (header: BlobHeader) => {
    const found = await blobs.records.inspect(digest, signal);
    if (found === undefined) throw new Error('there is no record');
    return blobs.records.replace(digest, found, header, signal);
  };
  const state = async () => (await blobs.records.inspect(digest, signal))?.header.state;
  return { clock, store, blobs, push, move, state };
}

describe('the record of a blob', () => {
  it('is live again, once condemned, before anybody is told that the blob is here', async () => {
    const { blobs, push, move, state } = open();
    const { digest: _, ...held } = await push();
    await move({ ...held, state: 'condemned', cycle: 'one' });
    expect(await state()).toBe('condemned');
    expect(await blobs.stat(digest, signal)).toMatchObject(blob);
    expect(await state()).toBe('live');
  });

  it('cannot be moved by somebody who saw an earlier version of it', async () => {
    const { blobs, push, move } = open();
    const { digest: _, ...held } = await push();
    const seen = await blobs.records.inspect(digest, signal);
    if (seen === undefined) throw new Error('there is no record');
    await move({ ...held, state: 'condemned', cycle: 'one' });
    await blobs.stat(digest, signal);
    expect(await blobs.records.replace(digest, seen, { state: 'gone', data: held.data }, signal)).toBe(false);
    expect(await blobs.stat(digest, signal)).toMatchObject(blob);
  });

  it.each<(data: string) => BlobHeader>([
    (data) => ({ state: 'gone', data }),
    (data) => ({ state: 'quarantined', data, size: 7, verifiedMs: 0, foundMs: 0, reason: 'a test' }),
  ])('is absent where the bytes are of no use (%#), and replaced by other bytes', async (header) => {
    const { blobs, push, move, state } = open();
    const { data } = await push();
    await move(header(data));
    expect(await blobs.stat(digest, signal)).toBeUndefined();
    const again = await push();
    expect(again.data).not.toBe(data);
    expect(await state()).toBe('live');
  });

  it('never names bytes again that were given up', async () => {
    const { clock, blobs, push, move } = open();
    const { data } = await push();
    await move({ state: 'gone', data });
    await expect(blobs.adopt({ ...blob, kept: { data }, writtenMs: clock.monotonic() }, signal)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
  });

  it('is refused to bytes that were written long ago', async () => {
    const { clock, blobs, store, state } = open();
    const writtenMs = clock.monotonic();
    await store.put('data/late', Buffer.from(text), { signal });
    await clock.advance(1_001);
    const adopting = blobs.adopt({ ...blob, kept: { data: 'data/late' }, writtenMs }, signal);
    await expect(adopting).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await state()).toBeUndefined();
  });

  it('comes back from its bytes as it was', () => {
    const held = { size: fc.nat(), data: fc.uuid().map((id) => `data/${id}`), verifiedMs: fc.nat() };
    const header: fc.Arbitrary<BlobHeader> = fc.oneof(
      fc.record({ ...held, state: fc.constant('live' as const) }),
      fc.record({ ...held, state: fc.constant('condemned' as const), cycle: fc.uuid() }),
      fc.record({ ...held, state: fc.constant('quarantined' as const), foundMs: fc.nat(), reason: fc.string() }),
      fc.record({ data: held.data, state: fc.constant('gone' as const) }),
    );
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 50 }), (each, content) => {
        const decoded = decodeBlob(encodeBlob({ header: each, content }));
        expect(decoded.header).toEqual(each);
        expect(Buffer.from(decoded.content).equals(content)).toBe(true);
        const short = encodeBlob({ header: each, content: new Uint8Array() }).length <= LONGEST_GONE_BYTES;
        expect(short).toBe(each.state === 'gone');
      }),
    );
  });
});
