import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { nextBeat } from '#libs/resilience';
import { FakeClock, settle } from '#libs/resilience/testing';
import { unlessSilent } from './unless-silent.js';

describe('a stream that is watched for silence', () => {
  function opened() {
    const [body, clock] = [new PassThrough(), new FakeClock()];
    return { body, clock, chunks: unlessSilent(body, 3_000, clock) };
  }

  it('gives what comes, for as long as something does', async () => {
    const { body, clock, chunks } = opened();
    for (const text of ['one', 'two', 'three']) {
      const next = chunks.next();
      await clock.advance(2_900);
      body.write(text);
      expect(String((await next).value)).toBe(text);
    }
    body.end();
    expect((await chunks.next()).done).toBe(true);
    expect(clock.sleeping).toBe(0);
  });

  it('fails when nothing came for so long', async () => {
    const { clock, chunks } = opened();
    const failed = expect(chunks.next()).rejects.toThrow('nothing came for 3000 ms');
    await clock.advance(3_000);
    await failed;
  });

  it('has no timer of its own while something comes', async () => {
    const { body, clock, chunks } = opened();
    nextBeat(1_000, clock, new AbortController().signal).catch(() => undefined);
    const timers: number[] = [];
    for (let second = 0; second < 20; second += 1) {
      const next = chunks.next();
      body.write('a word');
      await next;
      await clock.advance(1_010);
      void nextBeat(1_000, clock, new AbortController().signal);
      timers.push(clock.sleeping);
    }
    expect(new Set(timers)).toEqual(new Set([1]));
  });

  it('does not count the time that its reader takes', async () => {
    const { body, clock, chunks } = opened();
    body.write('one');
    await chunks.next();
    await clock.advance(60_000);
    body.write('two');
    expect(String((await chunks.next()).value)).toBe('two');
  });

  it('ends its stream and its timer with its reader', async () => {
    const { body, clock, chunks } = opened();
    body.write('one');
    await chunks.next();
    await chunks.return(undefined);
    await settle();
    expect(body.destroyed).toBe(true);
    expect(clock.sleeping).toBe(0);
  });
});
