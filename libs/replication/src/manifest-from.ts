import type { ManifestEntry } from '#libs/journal';
import { type PeerClient, PeerError } from '#libs/peer';
import type { FindManifestElsewhere } from '#libs/registry';

/** A manifest as other regions hold it: the first that has it and answers. */
export function manifestFrom(peers: readonly Pick<PeerClient, 'summary'>[]): FindManifestElsewhere {
  return async (repository, digest, signal): Promise<ManifestEntry | undefined> => {
    for (const { summary } of peers) {
      try {
        const found = await summary.manifest(repository, digest, signal);
        if (found !== undefined) return found;
      } catch (error) {
        if (!(error instanceof PeerError)) throw error;
      }
    }
    return undefined;
  };
}
