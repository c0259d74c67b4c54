import { LRUCache } from 'lru-cache';
import type { Digest, RepositoryName } from '#libs/oci';

/** Images that clients wanted and did not find here; those that nobody asked for again the longest are forgotten. */
const MAX_IMAGES = 200;

export interface ImageName {
  readonly repository: RepositoryName;
  readonly digest: Digest;
}

/** Which images are asked for in this region that it does not have yet, and how often: these come first. */
export class PulledImages {
  readonly #pulls = new LRUCache<string, number>({ max: MAX_IMAGES });
  #names: readonly string[] = [];

  pulled(image: ImageName): void {
    const name = imageName(image);
    this.#pulls.set(name, (this.#pulls.get(name) ?? 0) + 1);
    // Entries come the latest first, and sorting keeps that among equals.
    this.#names = [...this.#pulls.entries()].sort(([, a], [, b]) => b - a).map(([key]) => key);
  }

  /** The names of all, those first that were pulled most, and of these the latest. */
  get names(): readonly string[] {
    return this.#names;
  }

  has(image: ImageName): boolean {
    return this.#pulls.has(imageName(image));
  }
}

export function imageName({ repository, digest }: ImageName): string {
  return `${repository}@${digest}`;
}
