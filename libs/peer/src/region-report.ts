import type { Reference, RepositoryName } from '#libs/oci';
import type { ImagePresence, RegionStatus } from './peer-client.js';

/** How far this region is, for whoever asks: other regions, operators. Made here, never remembered from elsewhere. */
export interface StatusSource {
  /** As it is now; costs nothing. */
  current(): RegionStatus;
  /**
   * The status at once, then whenever it changes, at most a few times a second, and each `repeatMs` in any case; ends when the
   * signal aborts.
   */
  changes(repeatMs: number, signal: AbortSignal): AsyncIterable<RegionStatus>;
}

/** An image as a client names it. */
export interface ImageName {
  readonly repository: RepositoryName;
  readonly reference: Reference;
}

/** What this region has of an image, by its own evidence. */
export interface PresenceSource {
  /** Resolves as soon as the image is `present` here, or after `waitMs` (0: at once) with what is true then. */
  presence(
    image: ImageName,
    options: { readonly waitMs: number; readonly signal: AbortSignal },
  ): Promise<ImagePresence>;
}
