import type { Entry, Journal } from '#libs/journal';
import type { Digest, RepositoryName } from '#libs/oci';

/** A repository needs these blobs. */
export interface Reference {
  readonly repository: RepositoryName;
  readonly blobs: readonly { readonly digest: Digest }[];
}

/** What refers to blobs and is not in the region's views for sure. */
export interface PendingReferences {
  /** A collection begins: every manifest that {@link next} will not tell of is in the views from now on, or was deleted. */
  begin(signal: AbortSignal): Promise<void>;
  /** What came since `begin` or since it was last asked; it may tell more, never less. */
  next(signal: AbortSignal): AsyncIterable<Reference>;
}

/** At the primary: the journal's entries after the place where the collection began. */
export function journalReferences(journal: Journal): PendingReferences {
  let seen = 0;
  return {
    begin: async (signal) => {
      seen = (await journal.settled(signal)).seq;
    },
    async *next(signal) {
      for await (const entry of journal.read(seen, signal)) {
        seen = entry.seq;
        if (entry.type === 'manifest.put') yield entry;
      }
    },
  };
}

/** At a replica: the entries that it has taken up and not applied. */
export function entryReferences(pending: () => Iterable<Entry>): PendingReferences {
  return {
    begin: () => Promise.resolve(),
    async *next() {
      for (const entry of pending()) if (entry.type === 'manifest.put') yield entry;
    },
  };
}
