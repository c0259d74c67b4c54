import { describe, expect, it } from '@jest/globals';
import { parseRegionName, SILENCE_MS, type TokenSubject } from '#libs/geo';
import type { RegionStatus } from '#libs/peer';
import type { LineStream } from './line-stream.js';
import { sendStatus } from './send-status.js';

async function repeatedTo(listener: TokenSubject | undefined): Promise<number> {
  let asked = Number.NaN;
  const said: unknown[] = [];
  const status = {
    current: () => ({}) as RegionStatus,
    async *changes(repeatMs: number) {
      asked = repeatMs;
      yield status.current();
    },
  };
  const lines = { send: (value: unknown) => Promise.resolve(said.push(value)) };
  await sendStatus({ status }, lines as unknown as LineStream, listener, new AbortController().signal);
  expect(said).toHaveLength(1);
  return asked;
}

describe('a status that is told again and again', () => {
  it('is told to routers so often that two words may be lost and one be late before it looks like silence', async () => {
    expect(await repeatedTo({ kind: 'router' })).toBeLessThanOrEqual(SILENCE_MS / 4);
    expect(await repeatedTo(undefined)).toBeLessThanOrEqual(SILENCE_MS / 4);
  });

  it('is told to regions once a second', async () => {
    expect(await repeatedTo({ kind: 'region', name: parseRegionName('home') })).toBe(1_000);
  });
});
