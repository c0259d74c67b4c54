import type { JournalReader } from '#libs/journal';
import type { Descriptor, Digest, RepositoryName, Tag } from '#libs/oci';
import { keys } from '#libs/storage';
import type { Listing, Page, PageRequest } from './listing.js';
import type { ReadIndex } from './read-index.js';

/**
 * Lists at the primary: pages come from memory, if a look at the journal shows that no entry touched their list since they
 * were read ({@link IndexedReader} says why that is enough). What is not known is listed in the store.
 */
export class IndexedListing implements Listing {
  constructor(
    private readonly stored: Listing,
    private readonly index: Pick<ReadIndex, 'pages'>,
    private readonly journal: Pick<JournalReader, 'refresh'>,
  ) {}

  tags(repository: RepositoryName, page: PageRequest, signal: AbortSignal): Promise<Page<Tag>> {
    return this.index.pages.get(
      keys.tagPrefix(repository),
      page,
      () => this.journal.refresh(signal),
      () => this.stored.tags(repository, page, signal),
    );
  }

  repositories(page: PageRequest, signal: AbortSignal): Promise<Page<RepositoryName>> {
    return this.index.pages.get(
      keys.catalogPrefix,
      page,
      () => this.journal.refresh(signal),
      () => this.stored.repositories(page, signal),
    );
  }

  referrers(repository: RepositoryName, subject: Digest, signal: AbortSignal): Promise<readonly Descriptor[]> {
    return this.stored.referrers(repository, subject, signal);
  }
}
