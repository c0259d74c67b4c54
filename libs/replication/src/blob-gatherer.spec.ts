import { describe, expect, it } from '@jest/globals';
import { type BlobDescriptor, digestOf } from '#libs/oci';
import { MOST_FEW_BLOBS } from '#libs/peer';
import { FakeClock } from '#libs/resilience/testing';
import { BlobGatherer } from './blob-gatherer.js';

const { signal } = new AbortController();
const contentOf = (number: number): Buffer => Buffer.from(`blob ${number}`);
const blobOf = (number: number, size = contentOf(number).length): BlobDescriptor => ({
  digest: digestOf(contentOf(number)),
  size,
});

/** A region: requests that came to it, each answered when told to. */
function region() {
  const requests: {
    readonly blobs: readonly BlobDescriptor[];
    readonly signal: AbortSignal;
    answer(): void;
    fail(after: number): void;
  }[] = [];
  async function* fewBlobs(
    blobs: readonly BlobDescriptor[],
    asking: AbortSignal,
  ): AsyncGenerator<Uint8Array | undefined> {
    const sent = await new Promise<number>((resolve) => {
      requests.push({ blobs, signal: asking, answer: () => resolve(blobs.length), fail: resolve });
    });
    for (const { digest } of blobs.slice(0, sent)) yield Buffer.from(digest);
    if (sent < blobs.length) throw new Error('the line broke');
  }
  return { requests, fewBlobs };
}

describe('BlobGatherer', () => {
  it('asks for what is wanted in the same breath together, and gives each its own', async () => {
    const { requests, fewBlobs } = region();
    const gatherer = new BlobGatherer(fewBlobs, new FakeClock());
    const wanted = [1, 2, 3].map((number) => gatherer.bytes(blobOf(number), signal));
    await Promise.resolve();
    expect(requests.map(({ blobs }) => blobs.length)).toEqual([3]);
    requests[0]?.answer();
    const texts = (await Promise.all(wanted)).map((bytes) => Buffer.from(bytes ?? []).toString());
    expect(texts).toEqual([1, 2, 3].map((number) => blobOf(number).digest));
  });

  it('lets what comes one by one wait a little for more while others are under way', async () => {
    const { requests, fewBlobs } = region();
    const clock = new FakeClock();
    const gatherer = new BlobGatherer(fewBlobs, clock);
    for (let number = 0; number < 200; number += 1) {
      void gatherer.bytes(blobOf(number), signal);
      await clock.advance(1);
    }
    await clock.advance(50);
    expect(requests.reduce((sum, { blobs }) => sum + blobs.length, 0)).toBe(200);
    expect(requests.length).toBeLessThan(40);
    expect(requests[0]?.blobs).toHaveLength(1);
  });

  it('asks for no more at once than an answer may hold, in number and bytes', async () => {
    const { requests, fewBlobs } = region();
    const clock = new FakeClock();
    const gatherer = new BlobGatherer(fewBlobs, clock);
    for (let number = 0; number < MOST_FEW_BLOBS + 5; number += 1) void gatherer.bytes(blobOf(number), signal);
    for (let number = 0; number < 10; number += 1) void gatherer.bytes(blobOf(number, 128 * 1024), signal);
    await clock.advance(200);
    expect(requests.map(({ blobs }) => blobs.length)).toEqual([MOST_FEW_BLOBS, 12, 3]);
  });

  it('keeps what came whole of an answer that breaks, and says of the rest that it did not come', async () => {
    const { requests, fewBlobs } = region();
    const gatherer = new BlobGatherer(fewBlobs, new FakeClock());
    const wanted = [1, 2, 3].map((number) => gatherer.bytes(blobOf(number), signal));
    await Promise.resolve();
    requests[0]?.fail(1);
    expect((await Promise.all(wanted)).map((bytes) => bytes !== undefined)).toEqual([true, false, false]);
  });

  it('ends a request when nobody wants any of it, and not before', async () => {
    const { requests, fewBlobs } = region();
    const gatherer = new BlobGatherer(fewBlobs, new FakeClock());
    const [one, other] = [new AbortController(), new AbortController()];
    const wanted = [one, other].map((each, number) => gatherer.bytes(blobOf(number), each.signal));
    for (const each of wanted) each.catch(() => undefined);
    await Promise.resolve();
    one.abort(new Error('not any more'));
    expect(requests[0]?.signal.aborted).toBe(false);
    other.abort(new Error('not any more'));
    expect(requests[0]?.signal.aborted).toBe(true);
    await expect(wanted[0]).rejects.toThrow('not any more');
  });
});
