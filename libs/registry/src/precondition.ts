import { type Digest, RegistryError } from '#libs/oci';

/** Digests that a condition names; `any`: whatever is there (`*`). */
export type NamedDigests = 'any' | readonly Digest[];

/**
 * What must be true of the digest that a tag points at, or of a manifest itself, where a change takes its place in the
 * order: `If-Match` and `If-None-Match` (RFC 9110, 13.1.1 and 13.1.2). Given both, both must hold.
 */
export interface Precondition {
  readonly match?: NamedDigests;
  readonly noneMatch?: NamedDigests;
}

/** @throws RegistryError `PRECONDITION_FAILED`, which tells what is there instead: the next try can begin with it */
export function requirePrecondition(
  { match, noneMatch }: Precondition,
  current: Digest | undefined,
  of: { readonly tag: string } | { readonly manifest: Digest },
): void {
  const holds =
    (match === undefined || names(match, current)) && (noneMatch === undefined || !names(noneMatch, current));
  if (holds) return;
  const what = 'tag' in of ? `tag ${of.tag}` : `manifest ${of.manifest}`;
  const is = current === undefined ? 'does not exist' : 'tag' in of ? `points at ${current}` : 'exists';
  throw new RegistryError('PRECONDITION_FAILED', { ...of, digest: current ?? null }, { message: `${what} ${is}` });
}

function names(named: NamedDigests, digest: Digest | undefined): boolean {
  return digest !== undefined && (named === 'any' || named.includes(digest));
}
