import {
  type Digest,
  findMediaType,
  MEDIA_TYPES,
  nextLink,
  parsePageRequest,
  type RepositoryName,
  referrersIndex,
} from '#libs/oci';
import { sendBytes, sendJson } from '../answer.js';
import type { Exchange } from '../exchange.js';
import type { DistributionOptions } from './distribution-options.js';

/** end-8a, end-8b */
export async function listTags(
  { listing, locations }: DistributionOptions,
  exchange: Exchange,
  repository: RepositoryName,
): Promise<void> {
  const asked = parsePageRequest(exchange.query);
  const page = await listing.tags(repository, asked, exchange.signal);
  const { Link } = linkTo(exchange.path, asked.limit, page);
  const headers = Link === undefined ? {} : { Link: locations.nextTags(exchange, repository, Link) };
  sendJson(exchange.response, { name: repository, tags: page.items }, headers);
}

export async function listRepositories(
  { listing }: DistributionOptions,
  { query, path, response, signal }: Exchange,
): Promise<void> {
  const asked = parsePageRequest(query);
  const page = await listing.repositories(asked, signal);
  sendJson(response, { repositories: page.items }, linkTo(path, asked.limit, page));
}

/** end-12a, end-12b */
export async function listReferrers(
  { listing }: DistributionOptions,
  { query, response, signal }: Exchange,
  repository: RepositoryName,
  subject: Digest,
): Promise<void> {
  const wanted = query.get('artifactType');
  const filter = wanted === null ? undefined : (findMediaType(wanted) ?? wanted);
  const referrers = await listing.referrers(repository, subject, signal);
  const headers = filter === undefined ? {} : { 'OCI-Filters-Applied': 'artifactType' };
  sendBytes(response, referrersIndex(referrers, filter), MEDIA_TYPES.ociIndex, headers);
}

function linkTo(
  path: string,
  limit: number,
  page: { readonly items: readonly string[]; readonly more: boolean },
): { readonly Link?: string } {
  const last = page.items.at(-1);
  return page.more && last !== undefined ? { Link: nextLink(path, limit, last) } : {};
}
