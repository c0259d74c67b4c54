import { anySignal, type Clock, type Random } from '#libs/resilience';
import { isStorageError, keys, type ObjectStore, type PutCondition } from '#libs/storage';

/** A holder says so often that it is alive; one that was silent for six times as long has lost the lease. */
const HEARTBEAT_MS = 10_000;
const SILENCE_MS = 60_000;

interface LeaseState {
  readonly holder: string;
  readonly beat: number;
}

/** Another process of the region is at it. */
export class UpkeepRunning extends Error {
  override readonly name = 'UpkeepRunning';

  constructor(
    what: string,
    readonly holder: string,
    readonly lastSeenMs: number,
  ) {
    super(`${what} is running already, in ${holder}`);
  }
}

/**
 * One process of a region at a time. It saves work; nothing would be lost if two ran at once: everything they change
 * they change by condition. Ages are the store's: two of its own instants are compared.
 */
export class UpkeepLease {
  constructor(
    private readonly options: {
      readonly store: ObjectStore;
      readonly clock: Clock;
      readonly random: Random;
      /** Where the lease is kept. */
      readonly key: string;
      /** What it is for, as others are told: `a collection`. */
      readonly what: string;
      /** What others are told of who runs. */
      readonly name: string;
    },
  ) {}

  /** Runs `work` while the lease is held; loses its signal with the lease. @throws UpkeepRunning */
  async hold<T>(work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    const holder = `${this.options.name} (${this.options.random.uuid()})`;
    const etag = await this.#take(holder, signal);
    const ended = new AbortController();
    const joined = anySignal([signal, ended.signal]);
    const beating = this.#beat(holder, etag, joined.signal).catch((error: unknown) => ended.abort(error));
    try {
      return await work(joined.signal);
    } finally {
      ended.abort(new Error('it has ended'));
      await beating;
      joined.release();
      await this.#release(holder, signal);
    }
  }

  async #take(holder: string, signal: AbortSignal): Promise<string> {
    const { store } = this.options;
    const found = await store.read(this.options.key, signal);
    if (found !== undefined) {
      const state = JSON.parse(Buffer.from(found.bytes).toString()) as LeaseState;
      const nowMs = await storeTime(store, signal);
      const free = state.holder === '' || nowMs - found.modifiedMs > SILENCE_MS;
      if (!free) throw new UpkeepRunning(this.options.what, state.holder, found.modifiedMs);
    }
    const condition: PutCondition = found === undefined ? { kind: 'absent' } : { kind: 'matches', etag: found.etag };
    try {
      return await this.#write({ holder, beat: 0 }, condition, signal);
    } catch (error) {
      if (isStorageError(error, 'precondition_failed'))
        throw new UpkeepRunning(this.options.what, 'another process', 0);
      throw error;
    }
  }

  async #beat(holder: string, etag: string, signal: AbortSignal): Promise<void> {
    let held = etag;
    for (let beat = 1; ; beat += 1) {
      await this.options.clock.sleep(HEARTBEAT_MS, signal);
      held = await this.#write({ holder, beat }, { kind: 'matches', etag: held }, signal);
    }
  }

  /** If this fails, the lease ends by itself. */
  async #release(holder: string, signal: AbortSignal): Promise<void> {
    try {
      const found = await this.options.store.read(this.options.key, signal);
      if (found === undefined) return;
      const state = JSON.parse(Buffer.from(found.bytes).toString()) as LeaseState;
      if (state.holder !== holder) return;
      await this.#write({ holder: '', beat: 0 }, { kind: 'matches', etag: found.etag }, signal);
    } catch (error) {
      if (!isStorageError(error) && !signal.aborted) throw error;
    }
  }

  async #write(state: LeaseState, condition: PutCondition, signal: AbortSignal): Promise<string> {
    const bytes = Buffer.from(JSON.stringify(state));
    return (await this.options.store.put(this.options.key, bytes, { condition, signal })).etag;
  }
}

/** What time it is for the store: everything that it wrote before is no younger. */
export async function storeTime(store: ObjectStore, signal: AbortSignal): Promise<number> {
  return (await store.put(keys.gcClock, Buffer.from('now'), { signal })).modifiedMs;
}
