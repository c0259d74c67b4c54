import { type BigIntStats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import type { Clock } from '#libs/resilience';
import { sortKeys } from '../../key-order.js';
import { unlessMissing } from './filesystem-errors.js';
import { childNames, objectNames } from './layout.js';

interface Listing {
  /** Identity and time of change of the two directories that were read. */
  readonly stamp: string;
  /** Monotonic, when the directories were first seen with this stamp. */
  readonly seenMs: number;
  /** Whether the names may be used again while the stamp is the same. */
  readonly settled: boolean;
  /** `name` is a key that ends here, `name/` a node below; in the byte order of the keys they lead to. */
  readonly names: readonly string[];
}

/**
 * Two changes of a directory within one tick of the file system's clock (10 ms at most) leave the same time on it, so
 * names are only trusted if they were read this long after the directory had been seen with its present time.
 */
const SETTLE_MS = 50;
const MAX_CACHED_NAMES = 1_000_000;

/** The sorted names of nodes, so that a page of a large one does not need all of its names read and sorted again. */
export class DirectoryCache {
  readonly #listings = new Map<string, Listing>();
  #cachedNames = 0;

  constructor(private readonly clock: Clock) {}

  async names(node: string): Promise<readonly string[]> {
    const stamp = await stampOf(node);
    const known = this.#listings.get(node);
    const same = known?.stamp === stamp;
    if (known && same && known.settled) {
      this.#remember(node, known);
      return known.names;
    }
    const now = this.clock.monotonic();
    const seenMs = known && same ? known.seenMs : now;
    const names = await readNames(node);
    this.#remember(node, { stamp, seenMs, settled: now - seenMs >= SETTLE_MS, names });
    return names;
  }

  /** Puts a listing at the young end and drops old ones while there are too many names. */
  #remember(node: string, listing: Listing): void {
    this.#forget(node);
    this.#listings.set(node, listing);
    this.#cachedNames += cost(listing);
    for (const oldest of this.#listings.keys()) {
      if (this.#cachedNames <= MAX_CACHED_NAMES) break;
      this.#forget(oldest);
    }
  }

  #forget(node: string): void {
    const listing = this.#listings.get(node);
    if (listing === undefined) return;
    this.#listings.delete(node);
    this.#cachedNames -= cost(listing);
  }
}

/** An empty listing is not free either. */
function cost({ names }: Listing): number {
  return names.length + 10;
}

async function stampOf(node: string): Promise<string> {
  const [objects, children] = await Promise.all([statOf(objectNames(node)), statOf(childNames(node))]);
  return `${objects} ${children}`;
}

async function statOf(path: string): Promise<string> {
  const found: BigIntStats | undefined = await unlessMissing(stat(path, { bigint: true }));
  return found ? `${found.ino}-${found.mtimeNs}` : 'none';
}

async function readNames(node: string): Promise<readonly string[]> {
  const [objects, children] = await Promise.all([
    unlessMissing(readdir(objectNames(node))),
    unlessMissing(readdir(childNames(node))),
  ]);
  return sortKeys([...(objects ?? []), ...(children ?? []).map((name) => `${name}/`)]);
}
