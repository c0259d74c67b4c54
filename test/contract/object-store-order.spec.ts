import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock, systemRandom } from '#libs/resilience';
import { FilesystemObjectStore, isStorageError, type PutCondition } from '#libs/storage';
import { IMPOSSIBLE, isLinearizable, type Step } from '../checkers/index.js';

const ROUNDS = 100;
const CLIENTS = 6;
const EACH = 8;
const KEY = 'tags/latest';

/** The etag of what the key holds. */
type State = string | null;

/** What an answer says of the state, in words and as the rule that the state follows. */
interface Answer {
  readonly told: string;
  readonly apply: Step<State>['apply'];
}

type Told = Step<State> & Answer;

/**
 * The filesystem driver takes no locks: what a key holds is told by several names, which others change while they are looked
 * at. So clients of one key, each with a store of its own, note what they were answered, and there has to be an order of it.
 */
describe('FilesystemObjectStore under clients of one key', () => {
  const { signal } = new AbortController();
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'meridian-order-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  const open = () => new FilesystemObjectStore({ directory, clock: systemClock, random: systemRandom });

  /** Text and bytes that no link holds, so that versions of each kind follow each other. */
  function content(): Buffer {
    const text = systemRandom.uuid();
    return Buffer.from(systemRandom.next() < 0.5 ? text : `${text}\0`);
  }

  const is = (etag: State, how: string): Answer => {
    return { told: `${how} ${short(etag)}`, apply: (state) => (state === etag ? state : IMPOSSIBLE) };
  };
  const isNot = (etag: State): Answer => {
    return { told: `refused since not ${short(etag)}`, apply: (state) => (state === etag ? IMPOSSIBLE : state) };
  };
  const becomes = (etag: State, from?: State): Answer => ({
    told: `${from === undefined ? 'anything' : short(from)} -> ${short(etag)}`,
    apply: (state) => (from === undefined || state === from ? etag : IMPOSSIBLE),
  });

  async function put(store: FilesystemObjectStore, condition?: PutCondition): Promise<Answer> {
    const from = condition && (condition.kind === 'matches' ? condition.etag : null);
    try {
      return becomes((await store.put(KEY, content(), { signal, ...(condition && { condition }) })).etag, from);
    } catch (error) {
      if (from === undefined || !isStorageError(error, 'precondition_failed')) throw error;
      return isNot(from);
    }
  }

  /** What a client does next, and what its answer says of the state. */
  async function act(store: FilesystemObjectStore, seen: { etag: State }): Promise<Answer> {
    const dice = systemRandom.next();
    if (dice < 0.25) {
      const read = await store.read(KEY, signal);
      seen.etag = read?.etag ?? null;
      return is(seen.etag, 'read');
    }
    if (dice < 0.35) return is((await store.stat(KEY, signal))?.etag ?? null, 'stat');
    if (dice < 0.45) {
      const { objects } = await store.list({ prefix: 'tags/', limit: 2 }, signal);
      return is(objects[0]?.etag ?? null, 'list');
    }
    if (dice < 0.55) return await put(store);
    if (dice < 0.7) return await put(store, { kind: 'absent' });
    if (dice < 0.85) return await put(store, seen.etag ? { kind: 'matches', etag: seen.etag } : { kind: 'absent' });
    await store.delete(KEY, signal);
    return becomes(null);
  }

  async function client(store: FilesystemObjectStore): Promise<Told[]> {
    const steps: Told[] = [];
    const seen = { etag: null };
    for (let count = 0; count < EACH; count += 1) {
      const startMs = performance.now();
      const answer = await act(store, seen);
      steps.push({ startMs, endMs: performance.now(), certain: true, ...answer });
    }
    return steps;
  }

  it('gives answers that one after the other would have got, and leaves nothing behind', async () => {
    const stores = Array.from({ length: CLIENTS }, open);
    for (let round = 0; round < ROUNDS; round += 1) {
      const steps = (await Promise.all(stores.map(client))).flat();
      expect(isLinearizable<State>(null, steps) ? [] : historyOf(steps)).toEqual([]);
      await open().delete(KEY, signal);
      expect((await readdir(directory, { recursive: true })).sort()).toEqual(['objects', 'tmp', 'uploads']);
    }
  });
});

function short(etag: State): string {
  return etag?.slice(0, 4) ?? 'nothing';
}

function historyOf(steps: readonly Told[]): readonly string[] {
  const ordered = steps.toSorted((a, b) => a.startMs - b.startMs);
  return ordered.map(({ startMs, endMs, told }) => `${startMs.toFixed(3)} to ${endMs.toFixed(3)}: ${told}`);
}
