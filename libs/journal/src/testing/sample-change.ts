import { digestOf, parseRepositoryName, parseTag, type RepositoryName, type Tag } from '#libs/oci';
import type { Change, ManifestPut } from '../entry.js';
import type { Guard } from '../journal.js';

/** A small manifest push; different `content`, different digest. */
export function sampleManifestPut(
  content: string,
  options: { readonly repository?: string; readonly tags?: readonly string[] } = {},
): ManifestPut {
  return {
    type: 'manifest.put',
    repository: parseRepositoryName(options.repository ?? 'demo/app'),
    digest: digestOf(content),
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    content,
    blobs: [],
    children: [],
    tags: (options.tags ?? []).map(parseTag),
  };
}

/** Always right, touched by nothing. */
export const noGuard: Guard = { validate: () => Promise.resolve(), touchedBy: () => false };

/** Holds while nobody put that tag: what `If-None-Match: *` asks for, judged from `applied`. */
export function createOnly(repository: RepositoryName, tag: Tag, applied: readonly Change[]): Guard {
  const touches = (change: Change): boolean =>
    change.type === 'manifest.put' && change.repository === repository && change.tags.includes(tag);
  return {
    validate: () => (applied.some(touches) ? Promise.reject(new Error('the tag is taken')) : Promise.resolve()),
    touchedBy: touches,
  };
}
