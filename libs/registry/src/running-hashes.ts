import { createHash, type Hash } from 'node:crypto';

/** The hash of an upload's bytes up to `offset`. */
export interface RunningHash {
  readonly hash: Hash;
  readonly offset: number;
}

/** Sessions whose hash is remembered; beyond it the oldest is forgotten, and its bytes are read again at the end. */
const CAPACITY = 1_024;

/**
 * Hashes of uploads in progress, in this process's memory. A hash can't be stored, so this is an optimisation only: a
 * session that goes on in another process is hashed from the store when it ends.
 */
export class RunningHashes {
  readonly #hashes = new Map<string, RunningHash>();

  /** The hash at `offset`, which from now on belongs to the caller; `undefined` if it is not known here. */
  take(id: string, offset: number): Hash | undefined {
    const running = this.#hashes.get(id);
    this.#hashes.delete(id);
    if (running?.offset === offset) return running.hash;
    return offset === 0 ? createHash('sha256') : undefined;
  }

  keep(id: string, running: RunningHash): void {
    this.#hashes.set(id, running);
    const [oldest] = this.#hashes.keys();
    if (this.#hashes.size > CAPACITY && oldest !== undefined) this.#hashes.delete(oldest);
  }
}
