import type { SummaryItem } from '#libs/journal';
import type { RepositoryName } from '#libs/oci';
import type { RegionContent } from '#libs/registry';

/** What a register says in the place of what was wrong: deleted, or, `evicted`, that the entry at `seq` is to set it. */
export interface ClearedState {
  readonly seq: number;
  readonly evicted?: true;
}

/**
 * Takes away what a register says, if that is still what was seen; nothing there is as good.
 * @returns whether `next` is there now, or nothing
 */
export async function clearRegister(
  content: RegionContent,
  repository: RepositoryName,
  seen: SummaryItem,
  next: ClearedState,
  signal: AbortSignal,
): Promise<boolean> {
  switch (seen.kind) {
    case 'repository':
      await content.catalog.remove(repository, signal);
      return true;
    case 'manifest': {
      const stored = await content.manifests.inspect(repository, seen.digest, signal);
      if (stored === undefined) return true;
      // One that cannot be read, or has other bytes, is told with 0.
      if (seen.seq !== 0 && stored.state?.seq !== seen.seq) return false;
      return content.manifests.clear(repository, seen.digest, stored, next, signal);
    }
    case 'referrer': {
      const { subject, digest } = seen;
      const stored = await content.referrers.inspect(repository, subject, signal);
      if (stored === undefined) return true;
      const said = stored.state.find((each) => each.digest === digest);
      if (said !== undefined && said.seq !== seen.seq) return false;
      return content.referrers.clear(repository, subject, stored, { digest, ...next }, signal);
    }
    case 'tag': {
      const stored = await content.tags.inspect(repository, seen.tag, signal);
      if (stored === undefined) return true;
      if (stored.state.seq !== seen.seq || stored.state.digest !== seen.digest) return false;
      return content.tags.clear(repository, seen.tag, stored, next, signal);
    }
  }
}
