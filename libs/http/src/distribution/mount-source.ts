import { parseRepositoryName, type RepositoryName } from '#libs/oci';
import type { Principal } from '../access.js';

/**
 * The repository that a blob shall be mounted from (end-11), if whoever asks may read it. Every other answer is the
 * same as to a `from` that is missing: nobody learns by a mount what is where they may not look (I13).
 */
export function mountSourceOf(query: URLSearchParams, principal: Principal): RepositoryName | undefined {
  const source = findRepositoryName(query.get('from') ?? '');
  return source !== undefined && principal.mayPull(source) ? source : undefined;
}

function findRepositoryName(text: string): RepositoryName | undefined {
  try {
    return parseRepositoryName(text);
  } catch {
    return undefined;
  }
}
