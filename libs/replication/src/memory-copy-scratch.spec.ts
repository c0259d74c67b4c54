import { describe, expect, it } from '@jest/globals';
import { MemoryCopyScratch } from './memory-copy-scratch.js';

describe('scratch in memory', () => {
  it('is there for whoever has it open, though another one dropped it', async () => {
    const scratch = new MemoryCopyScratch();
    const [one, other] = [await scratch.open('a', 4), await scratch.open('a', 4)];
    await one.append(Buffer.from('ab'));
    await other.append(Buffer.from('abcd'));
    await other.drop();
    await one.append(Buffer.from('cd'));
    const chunks: Uint8Array[] = [];
    for await (const chunk of one.read(0)) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('abcd');
    expect(scratch.names).toEqual([]);
  });
});
