import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { digestOf } from '#libs/oci';
import { framedBlob, readFramedBlobs } from './few-blobs.js';

const described = (bytes: Uint8Array) => ({ digest: digestOf(bytes), size: bytes.length });

async function* inPieces(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (const cut of [...cuts, bytes.length].sort((a, b) => a - b)) {
    yield bytes.subarray(start, Math.min(cut, bytes.length));
    start = Math.min(cut, bytes.length);
  }
}

async function all(body: AsyncIterable<Uint8Array | undefined>): Promise<(string | undefined)[]> {
  const found: (string | undefined)[] = [];
  for await (const bytes of body) found.push(bytes && Buffer.from(bytes).toString('hex'));
  return found;
}

describe('an answer of many small blobs', () => {
  it('is read as it was written, however it is cut into pieces', async () => {
    const blobs = fc.array(fc.record({ bytes: fc.uint8Array({ maxLength: 40 }), sent: fc.boolean() }), {
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(blobs, fc.array(fc.nat(400), { maxLength: 12 }), async (given, cuts) => {
        const wire = Buffer.concat(given.flatMap(({ bytes, sent }) => framedBlob(sent ? bytes : undefined)));
        const read = readFramedBlobs(
          inPieces(wire, cuts),
          given.map(({ bytes }) => described(bytes)),
        );
        const expected = given.map(({ bytes, sent }) => (sent ? Buffer.from(bytes).toString('hex') : undefined));
        expect(await all(read)).toEqual(expected);
      }),
    );
  });

  const [one, other] = [Buffer.from('one'), Buffer.from('the other')];

  it('gives what came whole before it breaks', async () => {
    const wire = Buffer.concat([...framedBlob(one), ...framedBlob(other)]);
    const heard: unknown[] = [];
    const reading = (async () => {
      for await (const bytes of readFramedBlobs(inPieces(wire.subarray(0, -1), []), [one, other].map(described))) {
        heard.push(bytes?.toString());
      }
    })();
    await expect(reading).rejects.toThrow('1 blobs early');
    expect(heard).toEqual([one.toString()]);
  });

  it.each([
    ['a blob of another size', Buffer.concat(framedBlob(other))],
    ['more than was asked for', Buffer.concat([...framedBlob(one), ...framedBlob(one)])],
  ])('is refused with %s', async (_what, wire) => {
    await expect(all(readFramedBlobs(inPieces(wire, []), [described(one)]))).rejects.toThrow(RangeError);
  });
});
