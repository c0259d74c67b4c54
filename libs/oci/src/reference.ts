import { type Digest, parseDigest } from './digest.js';
import { RegistryError } from './registry-error.js';

declare const repositoryBrand: unique symbol;
declare const tagBrand: unique symbol;

/** A repository's name, validated (distribution-spec, Pulling manifests, `<name>`). Made only by {@link parseRepositoryName}. */
export type RepositoryName = string & { readonly [repositoryBrand]: 'RepositoryName' };

/** A tag, validated (distribution-spec, `<reference>` as a tag). Made only by {@link parseTag}. */
export type Tag = string & { readonly [tagBrand]: 'Tag' };

/** What a manifest is asked by. */
export type Reference =
  | { readonly kind: 'tag'; readonly tag: Tag }
  | { readonly kind: 'digest'; readonly digest: Digest };

/** Many clients refuse a name and host of more than 255 characters together; this is the bound without the host. */
export const MAX_REPOSITORY_NAME_LENGTH = 255;

const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/** @throws RegistryError `NAME_INVALID` */
export function parseRepositoryName(text: string): RepositoryName {
  const valid = text.length <= MAX_REPOSITORY_NAME_LENGTH && text.split('/').every((part) => COMPONENT.test(part));
  if (!valid) throw new RegistryError('NAME_INVALID', { name: text.slice(0, MAX_REPOSITORY_NAME_LENGTH) });
  return text as RepositoryName;
}

export function findTag(text: string): Tag | undefined {
  return TAG.test(text) ? (text as Tag) : undefined;
}

/** @throws RegistryError `MANIFEST_INVALID`: the spec has no code of its own for a malformed tag. */
export function parseTag(text: string): Tag {
  const tag = findTag(text);
  if (tag === undefined)
    throw new RegistryError('MANIFEST_INVALID', { reason: 'malformed tag', tag: text.slice(0, 256) });
  return tag;
}

/**
 * A tag or a digest. Whatever holds a colon is meant as a digest, for a tag cannot hold one.
 * @throws RegistryError `DIGEST_INVALID` or `MANIFEST_INVALID`
 */
export function parseReference(text: string): Reference {
  if (text.includes(':')) return { kind: 'digest', digest: parseDigest(text) };
  return { kind: 'tag', tag: parseTag(text) };
}

export function formatReference(reference: Reference): string {
  return reference.kind === 'tag' ? reference.tag : reference.digest;
}
