import { lstatSync } from 'node:fs';
import type { StoredObject } from '../../object-store.js';
import { isStillLink, type KeySnapshot } from './key-place.js';
import { followersOf } from './layout.js';
import { markerName, type VersionFacts } from './version.js';

/** Keys that are read again and again: what is looked after each second, and layers that many images share. */
const REMEMBERED = 256;

/** So that the bytes are few, and were read with their version. */
const MOST_BYTES = 4_000;

interface Known {
  /** What must be there. */
  readonly marker?: string;
  /** What must not be there. */
  readonly followers?: string;
  /** What the place must still hold. */
  readonly link?: VersionFacts;
  readonly found: StoredObject;
}

/**
 * Versions that were current when they were last read. The kernel says in a few µs whether one still is, and then its
 * bytes are what they were, for a version never changes; to hand a read over to threads and back costs many times that. As in {@link AbsentNames}, it is only asked here for names that it remembers too.
 */
export class KnownVersions {
  readonly #known = new Map<string, Known>();

  /** What the key holds, if it is what it held before. `undefined` says nothing. */
  still(path: string): StoredObject | undefined {
    const known = this.#known.get(path);
    if (known === undefined) return undefined;
    if (!isStillCurrent(path, known)) {
      this.#known.delete(path);
      return undefined;
    }
    this.#known.delete(path);
    this.#known.set(path, known);
    // Whoever reads may change what it got.
    return { ...known.found, bytes: Uint8Array.from(known.found.bytes) };
  }

  /** Nothing of files: they have no name that would tell. */
  remember(path: string, snapshot: KeySnapshot, found: StoredObject): void {
    if (found.size > MOST_BYTES) return;
    const evidence = evidenceOf(path, snapshot);
    if (evidence === undefined) return;
    this.#known.delete(path);
    this.#known.set(path, { ...evidence, found });
    const [oldest] = this.#known.keys();
    if (this.#known.size > REMEMBERED && oldest !== undefined) this.#known.delete(oldest);
  }
}

function evidenceOf(place: string, snapshot: KeySnapshot): Omit<Known, 'found'> | undefined {
  if (snapshot.kind === 'directory') {
    const { path, current, sole } = snapshot;
    const marker = `${path}/${markerName(current)}`;
    if (sole === undefined) return { marker };
    return sole.kind === 'link' ? { marker, link: sole.current } : undefined;
  }
  if (snapshot.kind === 'file') return undefined;
  const { current: link, directory } = snapshot;
  const followers = followersOf(place, link.id);
  return directory ? { marker: `${followers}/${markerName(directory.current)}`, link } : { followers, link };
}

/** In the order of `readPlace`: the place last. */
function isStillCurrent(place: string, { marker, followers, link }: Known): boolean {
  if (marker !== undefined && !isThere(marker)) return false;
  if (followers !== undefined && isThere(followers)) return false;
  return link === undefined || isStillLink(place, link);
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
