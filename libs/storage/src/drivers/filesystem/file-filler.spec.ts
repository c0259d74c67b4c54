import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sampleBytes } from '../../testing/contract-subject.js';
import { writeChunks } from './file-filler.js';

describe('writing chunks to a file', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'meridian-filler-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  async function* chunksOf(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
  }

  it.each([
    [0, 300_000],
    [1, 300_000],
    [100_000, 300_000],
    [3_000_000, 300_000],
    [3_000_000, 3_000_000],
    [40_000_000, 300_000],
  ])('writes %i bytes that come by %i in their order', async (length, chunk) => {
    const bytes = sampleBytes(length);
    const file = await open(`${directory}/f`, 'w');
    expect(await writeChunks(file, chunksOf(bytes, chunk))).toBe(length);
    await file.close();
    expect(Buffer.compare(await readFile(`${directory}/f`), bytes)).toBe(0);
  });

  it('fails when the file cannot be written, whenever it hears of it', async () => {
    const file = await open('/dev/full', 'w');
    await expect(writeChunks(file, chunksOf(sampleBytes(3_000_000), 300_000))).rejects.toMatchObject({
      code: 'ENOSPC',
    });
    await file.close();
  });

  it('leaves nothing under way when the source fails', async () => {
    const file = await open(`${directory}/f`, 'w');
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield sampleBytes(500_000);
      throw new Error('the source failed');
    };
    await expect(writeChunks(file, failing())).rejects.toThrow('the source failed');
    await file.close();
    expect(await readFile(`${directory}/f`)).toHaveLength(500_000);
  });
});
