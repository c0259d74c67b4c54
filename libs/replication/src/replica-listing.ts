import { type Descriptor, type Digest, RegistryError, type RepositoryName, type Tag } from '#libs/oci';
import type { Listing, Page, PageRequest } from '#libs/registry';

/** Lists at a replica: what is here. That a repository is not here *yet* must not look like that it does not exist. */
export class ReplicaListing implements Listing {
  constructor(
    private readonly local: Listing,
    /** Whether entries are known here and not applied yet. */
    private readonly isPending: () => boolean,
    /** When it is worth asking again. */
    private readonly retryAfterSeconds: () => number,
  ) {}

  async tags(repository: RepositoryName, page: PageRequest, signal: AbortSignal): Promise<Page<Tag>> {
    try {
      return await this.local.tags(repository, page, signal);
    } catch (error) {
      if (!(error instanceof RegistryError && error.code === 'NAME_UNKNOWN' && this.isPending())) throw error;
      const headers = { 'Retry-After': String(this.retryAfterSeconds()) };
      throw new RegistryError('REPLICATION_PENDING', { name: repository }, { headers });
    }
  }

  repositories(page: PageRequest, signal: AbortSignal): Promise<Page<RepositoryName>> {
    return this.local.repositories(page, signal);
  }

  referrers(repository: RepositoryName, subject: Digest, signal: AbortSignal): Promise<readonly Descriptor[]> {
    return this.local.referrers(repository, subject, signal);
  }
}
