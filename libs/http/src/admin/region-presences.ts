import type { RegionName } from '#libs/geo';
import type { ImageName, ImagePresence, PeerClient, PresenceSource } from '#libs/peer';
import { type Clock, withDeadline } from '#libs/resilience';
import { ANSWER_LIMIT_MS } from './region-reports.js';

/** What a region has of an image; `silent`: it did not answer, so nothing is known of it. */
export interface RegionPresence extends ImagePresence {
  readonly silent?: true;
}

export interface RegionPresencesOptions {
  readonly region: RegionName;
  readonly presence: PresenceSource;
  /** All other regions. */
  readonly peers: readonly PeerClient[];
  readonly clock: Clock;
}

/** What each region has of an image, by its own evidence. */
export class RegionPresences {
  readonly #sources: ReadonlyMap<RegionName, PresenceSource>;

  constructor(private readonly options: RegionPresencesOptions) {
    const { region, presence, peers } = options;
    this.#sources = new Map<RegionName, PresenceSource>([
      [region, presence],
      ...peers.map((peer) => [peer.region, peer] as const),
    ]);
  }

  /** This region. */
  get own(): RegionName {
    return this.options.region;
  }

  /** This one first. */
  get regions(): readonly RegionName[] {
    return [...this.#sources.keys()];
  }

  /** In this region. */
  here(image: ImageName, signal: AbortSignal): Promise<ImagePresence> {
    return this.options.presence.presence(image, { waitMs: 0, signal });
  }

  /** In one region, which may take `waitMs` until the image is whole there. Never rejects because of the region. */
  async in(region: RegionName, image: ImageName, waitMs: number, signal: AbortSignal): Promise<RegionPresence> {
    const source = this.#sources.get(region);
    try {
      if (source === undefined) return this.#silence(region, image);
      return await withDeadline(signal, ANSWER_LIMIT_MS + waitMs, this.options.clock, (limited) =>
        source.presence(image, { waitMs, signal: limited }),
      );
    } catch {
      signal.throwIfAborted();
      return this.#silence(region, image);
    }
  }

  everywhere(image: ImageName, signal: AbortSignal): Promise<readonly RegionPresence[]> {
    return Promise.all(this.regions.map((region) => this.in(region, image, 0, signal)));
  }

  /** For a region whose answer nobody waits for any more. */
  unasked(region: RegionName, { repository }: ImageName): RegionPresence {
    const timeMs = this.options.clock.now();
    return { region, repository, state: 'unknown', bytes: { done: 0, total: 0 }, missing: [], timeMs };
  }

  #silence(region: RegionName, image: ImageName): RegionPresence {
    return { ...this.unasked(region, image), silent: true };
  }
}
