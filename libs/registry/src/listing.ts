import type { Descriptor, Digest, RepositoryName, Tag } from '#libs/oci';

/** A page of a list: what `n` and `last` ask for (end-8b). */
export interface PageRequest {
  /** 0 to 1,000. */
  readonly limit: number;
  /** Only what comes after it in byte order. Any string; it need not be in the list. */
  readonly last?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly more: boolean;
}

/** Lists, as a region offers them. A page costs the same whatever the length of the list. */
export interface Listing {
  /** @throws RegistryError `NAME_UNKNOWN` if nothing was ever pushed there, or all of it was deleted. */
  tags(repository: RepositoryName, page: PageRequest, signal: AbortSignal): Promise<Page<Tag>>;
  repositories(page: PageRequest, signal: AbortSignal): Promise<Page<RepositoryName>>;
  /** Manifests whose `subject` is that digest; empty for a digest that nobody refers to (end-12a). */
  referrers(repository: RepositoryName, subject: Digest, signal: AbortSignal): Promise<readonly Descriptor[]>;
}
