import { type Descriptor, type Digest, RegistryError, type RepositoryName, type Tag } from '#libs/oci';
import type { Listing, Page, PageRequest } from './listing.js';
import type { RegionContent } from './region-content.js';

/** Lists of what is stored in this region. */
export class LocalListing implements Listing {
  constructor(private readonly content: RegionContent) {}

  async tags(repository: RepositoryName, page: PageRequest, signal: AbortSignal): Promise<Page<Tag>> {
    if (!(await this.content.catalog.has(repository, signal))) {
      throw new RegistryError('NAME_UNKNOWN', { name: repository });
    }
    if (page.limit === 0) return { items: [], more: false };
    return this.content.tags.page(repository, page, signal);
  }

  repositories(page: PageRequest, signal: AbortSignal): Promise<Page<RepositoryName>> {
    return this.content.catalog.page(page, signal);
  }

  referrers(repository: RepositoryName, subject: Digest, signal: AbortSignal): Promise<readonly Descriptor[]> {
    return this.content.referrers.list(repository, subject, signal);
  }
}
