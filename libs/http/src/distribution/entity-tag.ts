import { type Digest, findDigest } from '#libs/oci';

/** What a digest is as an entity tag (RFC 9110, 8.8.3): content that has a digest never changes. */
export function entityTag(digest: Digest): string {
  return `"${digest}"`;
}

/** Whether `If-None-Match` names what would be sent: then it need not be. */
export function isKnown(ifNoneMatch: string | undefined, digest: Digest): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.trim() === '*' || digestsIn(ifNoneMatch).includes(digest);
}

/** The digests that a list of entity tags names; weak ones count, what is no digest does not. */
export function digestsIn(header: string): readonly Digest[] {
  return header.split(',').flatMap((item) => {
    const text = item.trim().replace(/^W\//, '').replace(/^"|"$/g, '');
    return findDigest(text) ?? [];
  });
}
