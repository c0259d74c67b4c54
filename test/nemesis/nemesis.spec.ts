import { describe, expect, it } from '@jest/globals';
import { readOptions } from './options.js';
import { explanation, verdict } from './report.js';
import { run } from './run.js';

const never = new AbortController().signal;

/** A small share of `npm run nemesis`: a few seconds of faults, and everything that is checked after them. */
describe('real processes that are killed, stopped, cut off and lied to', () => {
  it('lose nothing, and agree in the end', async () => {
    const log: string[] = [];
    const options = readOptions(['--seed', '3', '--short', '--minutes', '0.15', '--clients', '8']);
    const report = await run(options, (line) => log.push(line), never);
    // What is wrong is told with the operations that had to do with it.
    expect([...explanation(report)]).toEqual([]);
    expect(verdict(report)).toMatch(/^nemesis: PASS seed 3, /);
    expect(log.length).toBeGreaterThan(1);
  });

  it('go on beside a region whose disk is full, which says so and recovers', async () => {
    const report = await run(readOptions(['--scenario', 'full-disk', '--short']), () => undefined, never);
    expect([...explanation(report)]).toEqual([]);
    expect(verdict(report)).toMatch(/^nemesis full-disk: PASS seed 1, /);
  });

  it('lose nothing and show nothing by halves when they die at a write, before it or after it', async () => {
    const report = await run(
      readOptions(['--scenario', 'write-kills', '--short', '--clients', '6']),
      () => undefined,
      never,
    );
    expect([...explanation(report)]).toEqual([]);
    expect(verdict(report)).toMatch(/^nemesis write-kills: PASS seed 1, /);
  });

  it('are told what was asked wrongly', () => {
    expect(() => readOptions(['--faults', 'kill-cat'])).toThrow(/there is no fault "kill-cat"/);
    expect(() => readOptions(['--minutes', 'x'])).toThrow(/--minutes takes a number above zero/);
  });
});
