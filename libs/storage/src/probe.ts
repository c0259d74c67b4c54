import type { Random } from '#libs/resilience';
import type { ObjectStat, ObjectStore, PutCondition } from './object-store.js';
import { isStorageError } from './storage-error.js';

/** Writers in a race. Stores that fail this do so with far fewer. */
const RACERS = 8;
const TRIES = 5;

/** A store that must not hold a journal: it does not do what conditional writes promise. */
export class ConditionalWritesError extends Error {
  override readonly name = 'ConditionalWritesError';

  constructor(driver: string, finding: string) {
    super(`the ${driver} store does not honour conditional writes: ${finding}`);
  }
}

/**
 * Proves, under a race, that the store lets exactly one of many conditional writers win. Some accept every write, some
 * two at once; a journal on one of those would lose entries. Leaves nothing behind.
 * @throws ConditionalWritesError with what was found, or StorageError if the store cannot be used at all
 */
export async function probeConditionalWrites(store: ObjectStore, random: Random, signal: AbortSignal): Promise<void> {
  const prefix = `state/probe/${random.uuid()}`;
  const keys = [`${prefix}/create`, `${prefix}/replace`] as const;
  try {
    await Promise.all([probeCreate(store, keys[0], signal), probeReplace(store, keys[1], signal)]);
  } finally {
    await Promise.all(keys.map((key) => store.delete(key, signal)));
  }
}

async function probeCreate(store: ObjectStore, key: string, signal: AbortSignal): Promise<void> {
  const condition: PutCondition = { kind: 'absent' };
  await expectOneWinner(store, key, condition, 'If-None-Match: *', signal);
  if (await tryPut(store, key, 'late', condition, signal)) {
    throw new ConditionalWritesError(store.driver, 'If-None-Match: * replaced an object that was there');
  }
}

async function probeReplace(store: ObjectStore, key: string, signal: AbortSignal): Promise<void> {
  const first = await store.put(key, Buffer.from('first'), { signal });
  const condition: PutCondition = { kind: 'matches', etag: first.etag };
  await expectOneWinner(store, key, condition, 'If-Match', signal);
  if (await tryPut(store, key, 'stale', condition, signal)) {
    throw new ConditionalWritesError(store.driver, 'If-Match replaced a version that it did not name');
  }
}

async function expectOneWinner(
  store: ObjectStore,
  key: string,
  condition: PutCondition,
  header: string,
  signal: AbortSignal,
): Promise<void> {
  const texts = Array.from({ length: RACERS }, (_none, at) => `racer ${at}`);
  const outcomes = await Promise.all(texts.map((text) => tryPut(store, key, text, condition, signal)));
  const winners = texts.filter((_text, at) => outcomes[at] !== undefined);
  if (winners.length !== 1) {
    throw new ConditionalWritesError(store.driver, `${winners.length} of ${RACERS} racing writers won with ${header}`);
  }
  const stored = await store.read(key, signal);
  if (stored === undefined || Buffer.from(stored.bytes).toString() !== winners[0]) {
    throw new ConditionalWritesError(
      store.driver,
      `another writer's bytes are there than the one's who won with ${header}`,
    );
  }
}

/** What was written, or `undefined` if the condition did not hold. A conflict tells to try again, and this does. */
async function tryPut(
  store: ObjectStore,
  key: string,
  text: string,
  condition: PutCondition,
  signal: AbortSignal,
): Promise<ObjectStat | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      return await store.put(key, Buffer.from(text), { condition, signal });
    } catch (error) {
      if (isStorageError(error, 'precondition_failed')) return undefined;
      if (!isStorageError(error, 'conflict') || tries === TRIES) throw error;
    }
  }
}
