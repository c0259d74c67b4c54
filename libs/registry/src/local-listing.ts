import { type Descriptor, type Digest, RegistryError, type RepositoryName, type Tag } from '#libs/oci';
import type { Listing, Page, PageRequest } from './listing.js';
import type { RegionContent } from './region-content.js';

/** Lists of what is stored in this region. */
export class LocalListing implements Listing {
  constructor(private readonly content: RegionContent) {}

  async tags(repository: RepositoryName, page: PageRequest, signal: AbortSignal): Promise<Page<Tag>> {
    const [found, tags] = await Promise.all([
      this.content.catalog.has(repository, signal),
      page.limit === 0 ? { items: [], more: false } : this.content.tags.page(repository, page, signal),
    ]);
    if (!found) throw new RegistryError('NAME_UNKNOWN', { name: repository });
    return tags;
  }

  repositories(page: PageRequest, signal: AbortSignal): Promise<Page<RepositoryName>> {
    return this.content.catalog.page(page, signal);
  }

  referrers(repository: RepositoryName, subject: Digest, signal: AbortSignal): Promise<readonly Descriptor[]> {
    return this.content.referrers.list(repository, subject, signal);
  }
}
