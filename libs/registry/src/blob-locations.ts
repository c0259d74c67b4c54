import { LRUCache } from 'lru-cache';
import type { Clock } from '#libs/resilience';
import type { PresignRequest } from '#libs/storage';

/** Redirects are followed at once; a client that queues its downloads may take a while. */
export const LOCATION_LIFE_MS = 5 * 60_000;

/** Less than a kilobyte each. */
const MOST_LOCATIONS = 4_096;

interface Given {
  readonly url: string;
  readonly signedMs: number;
}

/**
 * URLs at which clients fetch bytes from the store by themselves. One is given to all who ask for half of its life, for to
 * sign it costs as much as the rest of a redirect; so whoever gets one may use it for half of its life at least.
 */
export class BlobLocations {
  readonly #given = new LRUCache<string, Given>({ max: MOST_LOCATIONS });

  constructor(
    private readonly presign: (request: PresignRequest) => string,
    private readonly clock: Pick<Clock, 'now'>,
  ) {}

  of(key: string): string {
    const nowMs = this.clock.now();
    const given = this.#given.get(key);
    // The store judges by its wall clock. After ours was set back, a URL is not known to be young.
    if (given !== undefined && given.signedMs <= nowMs && nowMs - given.signedMs <= LOCATION_LIFE_MS / 2) {
      return given.url;
    }
    const url = this.presign({ key, expiresInMs: LOCATION_LIFE_MS, contentType: 'application/octet-stream' });
    this.#given.set(key, { url, signedMs: nowMs });
    return url;
  }
}
