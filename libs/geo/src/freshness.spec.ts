import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseRepositoryName } from '#libs/oci';
import { Freshness } from './freshness.js';
import { parseRegionName } from './region.js';

const us = parseRegionName('us');
const ap = parseRegionName('ap');
const app = parseRepositoryName('team/app');
const web = parseRepositoryName('team/web');

function begun(head: number): Freshness {
  const freshness = new Freshness([us, ap]);
  freshness.begin(head);
  return freshness;
}

describe('Freshness', () => {
  it('trusts nobody before the head of the primary was heard', () => {
    const freshness = new Freshness([us, ap]);
    freshness.report(us, { watermark: 1_000, beyond: [] });
    expect(freshness.isFresh(us, app)).toBe(false);
    freshness.begin(1_000);
    expect(freshness.isFresh(us, app)).toBe(true);
    expect(freshness.isFresh(ap, app)).toBe(false);
  });

  it.each([
    [4, [], false, 'lacks entries from before the beginning'],
    [4, [5, 6, 7], false, 'may lack entries that are not known one by one'],
    [5, [], false, 'lacks both entries'],
    [6, [], false, 'lacks the newer entry'],
    [5, [6, 7], true, 'has both beyond its watermark'],
    [6, [7], true, 'has one below and one beyond'],
    [7, [], true, 'has both below its watermark'],
  ])('a region at %d with %j beyond: %s, for it %s', (watermark, beyond, fresh) => {
    const freshness = begun(5);
    freshness.learn(7, app);
    freshness.learn(6, app);
    freshness.report(us, { watermark, beyond });
    expect(freshness.isFresh(us, app)).toBe(fresh);
  });

  it.each([
    [6, [], 7, true, 'everything up to there was learned, and nothing of it is of that repository'],
    [6, [], 8, false, 'entry 8 was not learned'],
    [6, [], 9, false, 'entry 9 was learned, what lies between was not'],
    [7, [9], 9, false, 'what lies between may be missing'],
    [9, [], 9, true, 'its watermark says so'],
  ])('a region at %d with %j beyond, asked for at least %d: %s, because %s', (watermark, beyond, minSeq, fresh) => {
    const freshness = begun(5);
    for (const seq of [7, 6, 9]) freshness.learn(seq, app);
    freshness.report(us, { watermark, beyond });
    expect(freshness.isFresh(us, web, minSeq)).toBe(fresh);
  });

  it('looks at each repository alone', () => {
    const freshness = begun(5);
    freshness.report(us, { watermark: 5, beyond: [] });
    freshness.learn(6, app);
    expect(freshness.isFresh(us, app)).toBe(false);
    expect(freshness.isFresh(us, web)).toBe(true);
  });

  it('counts an entry that it cannot read for every repository', () => {
    const freshness = begun(5);
    freshness.report(us, { watermark: 5, beyond: [6] });
    freshness.learnUnreadable(6);
    expect(freshness.isFresh(us, app)).toBe(false);
    freshness.report(us, { watermark: 6, beyond: [] });
    expect(freshness.isFresh(us, app)).toBe(true);
  });

  it('trusts no region that is behind one which has more than was learned: somebody may have seen it there', () => {
    const freshness = begun(5);
    freshness.report(us, { watermark: 7, beyond: [] });
    freshness.report(ap, { watermark: 6, beyond: [] });
    expect([us, ap].map((region) => freshness.isFresh(region, app))).toEqual([true, false]);
    freshness.learn(6, app);
    freshness.learn(7, undefined);
    expect([us, ap].map((region) => freshness.isFresh(region, app))).toEqual([true, true]);
  });

  it('remembers what a region had before it lost its bucket: it may have shown that to somebody', () => {
    const freshness = begun(5);
    freshness.report(us, { watermark: 7, beyond: [9] });
    freshness.report(us, { watermark: 0, beyond: [] });
    freshness.report(ap, { watermark: 6, beyond: [] });
    expect(freshness.isFresh(ap, app)).toBe(false);
    freshness.report(ap, { watermark: 7, beyond: [] });
    expect(freshness.isFresh(ap, app)).toBe(false);
    freshness.report(ap, { watermark: 7, beyond: [9] });
    expect(freshness.isFresh(ap, app)).toBe(true);
  });

  it.each([
    [5, [], false, 'lacks an entry that the other may have shown'],
    [5, [8], false, 'has another one'],
    [5, [7], true, 'has it too'],
    [7, [], true, 'has it below its watermark'],
  ])('a region at %d with %j beyond, while another has 7 beyond: %s, for it %s', (watermark, beyond, fresh) => {
    const freshness = begun(5);
    freshness.report(us, { watermark: 5, beyond: [7] });
    freshness.report(ap, { watermark, beyond });
    expect(freshness.isFresh(ap, app)).toBe(fresh);
  });

  it('asks no region for what another has beyond, once it is learned whose it is', () => {
    const freshness = begun(5);
    freshness.learn(7, web);
    freshness.report(us, { watermark: 5, beyond: [7, 8] });
    freshness.report(ap, { watermark: 5, beyond: [] });
    expect([app, web].map((name) => freshness.isFresh(ap, name))).toEqual([false, false]);
    freshness.learn(8, undefined);
    expect([app, web].map((name) => freshness.isFresh(ap, name))).toEqual([true, false]);
  });

  it('remembers a bounded number of entries that regions told of, and then asks for all up to the newest forgotten', () => {
    const freshness = new Freshness([us, ap], 2);
    freshness.begin(5);
    freshness.report(us, { watermark: 5, beyond: [7, 9, 11] });
    freshness.report(ap, { watermark: 5, beyond: [7, 9, 11] });
    expect(freshness.isFresh(ap, app)).toBe(false);
    freshness.report(ap, { watermark: 7, beyond: [9, 11] });
    expect(freshness.isFresh(ap, app)).toBe(true);
  });

  it('keeps a write that passed while the head was on its way', () => {
    const freshness = new Freshness([us, ap]);
    freshness.learn(6, app);
    freshness.begin(5);
    freshness.report(us, { watermark: 5, beyond: [] });
    expect(freshness.isFresh(us, app)).toBe(false);
  });

  it('takes the newest word of a region, even if it goes back', () => {
    const freshness = begun(5);
    for (const region of [us, ap]) freshness.report(region, { watermark: 9, beyond: [] });
    freshness.learn(7, app);
    expect(freshness.remembered).toBe(0);
    freshness.report(us, { watermark: 6, beyond: [] });
    expect(freshness.isFresh(us, app)).toBe(false);
    expect(freshness.isFresh(us, web)).toBe(false);
  });

  it('begins anew with another journal', () => {
    const freshness = begun(100);
    freshness.learn(101, app);
    freshness.report(us, { watermark: 101, beyond: [103] });
    freshness.begin(3);
    freshness.report(us, { watermark: 3, beyond: [] });
    expect(freshness.isFresh(us, app)).toBe(true);
  });

  it('remembers a bounded number of entries, and then asks for more than is needed, never for less', () => {
    const freshness = new Freshness([us, ap], 10);
    freshness.begin(0);
    freshness.report(us, { watermark: 0, beyond: [] });
    for (let seq = 1; seq <= 50; seq += 1) freshness.learn(seq, app);
    expect(freshness.remembered).toBe(10);
    expect(freshness.floor).toBe(40);
    freshness.report(us, { watermark: 39, beyond: [] });
    expect(freshness.isFresh(us, web)).toBe(false);
    freshness.report(us, { watermark: 40, beyond: [] });
    expect(freshness.isFresh(us, web)).toBe(true);
    expect(freshness.isFresh(us, app)).toBe(false);
  });

  it('never calls a region fresh that lacks an entry which is known, or was told of and may be of any repository', () => {
    const step = fc.oneof(
      fc.record({ learn: fc.integer({ min: 1, max: 40 }), repository: fc.constantFrom(app, web) }),
      fc.record({
        report: fc.constantFrom(us, ap),
        watermark: fc.integer({ min: 0, max: 40 }),
        beyond: fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 4 }),
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.array(step, { maxLength: 60 }), (limit, steps) => {
        const freshness = new Freshness([us, ap], limit);
        freshness.begin(3);
        const known = new Map<number, string>();
        const applied = new Map<string, { watermark: number; beyond: readonly number[] }>();
        const told = new Set<number>();
        for (const one of steps) {
          if ('learn' in one) {
            if (!known.has(one.learn)) known.set(one.learn, one.repository);
            freshness.learn(one.learn, known.get(one.learn) === app ? app : web);
          } else {
            applied.set(one.report, one);
            freshness.report(one.report, one);
            for (let seq = 1; seq <= one.watermark; seq += 1) told.add(seq);
            for (const seq of one.beyond) told.add(seq);
          }
        }
        for (const region of [us, ap]) {
          const { watermark, beyond } = applied.get(region) ?? { watermark: -1, beyond: [] };
          const wanted = new Set([...known.keys(), ...told]);
          for (const [seq, name] of known) if (name !== app) wanted.delete(seq);
          const lacks = [...wanted].some((seq) => seq > watermark && !beyond.includes(seq));
          if (lacks) expect(freshness.isFresh(region, app)).toBe(false);
        }
        expect(freshness.remembered).toBeLessThanOrEqual(limit);
      }),
    );
  });
});
