import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AppliedSeqs } from './applied-seqs.js';

describe('applied seqs', () => {
  it('have the watermark of what was added, in any order and with repeats', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 30 })), fc.nat(10), (added, start) => {
        const seqs = new AppliedSeqs(start);
        let before = seqs.watermark;
        for (const seq of added) {
          seqs.add(seq);
          expect(seqs.watermark).toBeGreaterThanOrEqual(before);
          before = seqs.watermark;
        }
        const applied = new Set([...added, ...Array.from({ length: start }, (_, i) => i + 1)]);
        let expected = 0;
        while (applied.has(expected + 1)) expected += 1;
        expect(seqs.watermark).toBe(expected);
        expect(seqs.beyond).toEqual([...applied].filter((seq) => seq > expected).sort((a, b) => a - b));
        for (let seq = 1; seq <= 31; seq += 1) expect(seqs.has(seq)).toBe(applied.has(seq));
      }),
    );
  });

  it('are the same after they were written down and read again', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 30 })), (added) => {
        const seqs = new AppliedSeqs();
        for (const seq of added) seqs.add(seq);
        const again = new AppliedSeqs(seqs.watermark, seqs.beyond);
        expect([again.watermark, again.beyond]).toEqual([seqs.watermark, seqs.beyond]);
      }),
    );
  });
});
