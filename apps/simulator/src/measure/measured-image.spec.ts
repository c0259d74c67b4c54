import { describe, expect, it } from '@jest/globals';
import { digestOf } from '#libs/oci';
import { systemClock, systemRandom } from '#libs/resilience';
import { planOf, SIZE_NAMES } from './image-sizes.js';
import { ImageBuilder } from './measured-image.js';

const forever = new AbortController().signal;
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe('the images that are measured', () => {
  it.each([
    ['small', 10_000_000, 3],
    ['medium', 250_000_000, 8],
    ['large', 1_000_000_000, 8],
  ] as const)('%s: %d bytes in %d layers', (size, bytes, layers) => {
    const { base, own } = planOf(size, 1);
    expect(sum([...base, ...own])).toBe(bytes);
    expect([...base, ...own]).toHaveLength(layers);
  });

  it('share a base in one generation, and nothing with another', async () => {
    const builder = new ImageBuilder(0.001, systemClock, systemRandom);
    const layersOf = async (size: 'medium' | 'large', generation: string) =>
      (await builder.build(size, generation, forever)).blobs.slice(0, 8).map(({ digest }) => digest);
    const medium = await layersOf('medium', '1');
    const large = await layersOf('large', '1');
    const later = await layersOf('medium', '2');
    expect(large.filter((digest) => medium.includes(digest))).toEqual(medium.slice(0, 4));
    expect(later.filter((digest) => medium.includes(digest))).toEqual([]);
  });

  it.each(SIZE_NAMES)('have the same bytes each time that they are read: %s', async (size) => {
    const { blobs, bytes } = await new ImageBuilder(0.001, systemClock, systemRandom).build(size, '1', forever);
    for (const blob of blobs) {
      const content = Buffer.concat([...blob.chunks()]);
      expect(content).toHaveLength(blob.size);
      expect(digestOf(content)).toBe(blob.digest);
    }
    expect(sum(blobs.map((blob) => blob.size))).toBe(bytes);
  });
});
