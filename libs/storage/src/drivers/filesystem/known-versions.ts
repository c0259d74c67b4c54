import { lstatSync } from 'node:fs';
import type { StoredObject } from '../../object-store.js';
import { markerName, type Version } from './version.js';

/** Keys that are read again and again: what is looked after each second, and layers that many images share. */
const REMEMBERED = 256;

/** So that the bytes are few, and were read with their version. */
const MOST_BYTES = 4_000;

interface Known {
  readonly marker: string;
  readonly found: StoredObject;
}

/**
 * Versions that were current when they were last read. The kernel says in 2 µs whether the marker of one is still there, and
 * then its bytes are what they were, for a version never changes; to hand a read over to threads and back costs thirty times
 * that, twice. As in {@link AbsentNames}, it is only asked here for names that it remembers too.
 */
export class KnownVersions {
  readonly #known = new Map<string, Known>();

  /** What the key holds, if it is what it held before. `undefined` says nothing. */
  still(path: string): StoredObject | undefined {
    const known = this.#known.get(path);
    if (known === undefined) return undefined;
    if (lstatSync(known.marker, { throwIfNoEntry: false }) === undefined) {
      this.#known.delete(path);
      return undefined;
    }
    this.#known.delete(path);
    this.#known.set(path, known);
    // Whoever reads may change what it got.
    return { ...known.found, bytes: Uint8Array.from(known.found.bytes) };
  }

  remember(path: string, version: Version, found: StoredObject): void {
    if (found.size > MOST_BYTES) return;
    this.#known.delete(path);
    this.#known.set(path, { marker: `${path}/${markerName(version)}`, found });
    const [oldest] = this.#known.keys();
    if (this.#known.size > REMEMBERED && oldest !== undefined) this.#known.delete(oldest);
  }
}
