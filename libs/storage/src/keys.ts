import {
  type Digest,
  digestAlgorithm,
  digestEncoded,
  parseDigest,
  parseRepositoryName,
  type RepositoryName,
  type Tag,
} from '#libs/oci';

/**
 * The layout of a region's bucket. This file is the only maker of keys, and it takes parsed values only, so nothing
 * that a client sends can become a key by itself.
 *
 *   journal/<first-seq, 16 digits>     a batch of entries; created once, hash-chained
 *   snapshots/<seq>/manifest, part-…   the entries still in effect at that place of the journal; the header last
 *   state/journal-start                up to which entry the journal was cut off
 *   state/journal-care, state/regions  who takes snapshots and cuts; how far each region said it was
 *   state/progress                     the region's generation, epoch, watermark, and entries applied beyond it
 *   state/policy                       which region has what, and the seq that said so
 *   state/policy-enforced              the policy that all of this region's content was last brought to
 *   state/controls                     whether the region's replication is paused, its limits, and what is to be tried again
 *   state/failed                       copies that were set aside, and why
 *   state/gc/…                         who collects, what it found last, and data that nothing named
 *   state/scrub/…                      who reads everything again, how far that is, and what it found
 *   state/anti-entropy/…               who compares the region with the primary, and what it found last
 *   data/<uuid>                        bytes of a blob (written once, never moved, never copied)
 *   blobs/<algorithm>/<aa>/<hex>       blob record: size, data key, when verified; and the bytes, if they are few
 *   links/<name>/@<digest>             "this repository may read that blob"
 *   manifests/<name>/@<digest>         a manifest's exact bytes behind a header line, or its tombstone
 *   tags/<name>/:<tag>                 digest + the sequence number that set it, or its tombstone
 *   referrers/<name>/@<digest>         what refers to that manifest
 *   catalog/<name>                     zero bytes, how often it came back, or a tombstone: one native LIST in the order of names
 *   uploads/<uuid>                     an upload session that bytes came to, and those that are too few for a part
 *   copies/<algorithm>/<aa>/<hex>      a big blob on its way here from another region: data key, multipart, parts, who copies
 *
 * The kind comes first, and the last part begins with a character that no repository name can hold (`@`, `:`), so no
 * repository's name can collide with a key of another (`a/tags/b`, `a/manifests/list` and `uploads` are fine names).
 */
export const keys = {
  journalPrefix: 'journal/',
  journalBatch: (firstSeq: number): string => `journal/${String(firstSeq).padStart(SEQ_DIGITS, '0')}`,
  journalStart: 'state/journal-start',
  journalCareLease: 'state/journal-care',
  regionReports: 'state/regions',
  snapshotPrefix: 'snapshots/',
  snapshotHeader: (seq: number): string => `snapshots/${String(seq).padStart(SEQ_DIGITS, '0')}/manifest`,
  snapshotPart: (seq: number, name: string): string =>
    `snapshots/${String(seq).padStart(SEQ_DIGITS, '0')}/part-${name}`,
  progress: 'state/progress',
  policy: 'state/policy',
  policyEnforced: 'state/policy-enforced',
  controls: 'state/controls',
  failedCopies: 'state/failed',
  gcLease: 'state/gc/lease',
  gcReport: 'state/gc/report',
  gcOrphans: 'state/gc/orphans',
  gcClock: 'state/gc/clock',
  scrubLease: 'state/scrub/lease',
  scrubState: 'state/scrub/state',
  antiEntropyLease: 'state/anti-entropy/lease',
  antiEntropyReport: 'state/anti-entropy/report',
  dataPrefix: 'data/',
  data: (uuid: string): string => `data/${uuid}`,
  blobPrefix: 'blobs/',
  blob: (digest: Digest): string => `blobs/${digestPath(digest)}`,
  copyPrefix: 'copies/',
  copy: (digest: Digest): string => `copies/${digestPath(digest)}`,
  linkPrefix: 'links/',
  linksOf: (name: RepositoryName): string => `links/${name}/@`,
  link: (name: RepositoryName, digest: Digest): string => `links/${name}/@${digest}`,
  manifestPrefix: 'manifests/',
  manifestsOf: (name: RepositoryName): string => `manifests/${name}/@`,
  manifest: (name: RepositoryName, digest: Digest): string => `manifests/${name}/@${digest}`,
  tagPrefix: (name: RepositoryName): string => `tags/${name}/:`,
  tag: (name: RepositoryName, tag: Tag): string => `tags/${name}/:${tag}`,
  referrersOf: (name: RepositoryName): string => `referrers/${name}/@`,
  referrers: (name: RepositoryName, subject: Digest): string => `referrers/${name}/@${subject}`,
  catalogPrefix: 'catalog/',
  catalog: (name: RepositoryName): string => `catalog/${name}`,
  uploadPrefix: 'uploads/',
  upload: (uuid: string): string => `uploads/${uuid}`,
} as const;

/** The digest of a key that {@link keys}.blob made. @throws Error */
export function digestOfBlobKey(key: string): Digest {
  const [, algorithm, , encoded] = key.split('/');
  return parseDigest(`${algorithm}:${encoded}`);
}

/** What a key names that {@link keys}.manifest or {@link keys}.link made. @throws Error */
export function partsOfKey(key: string): { readonly repository: RepositoryName; readonly digest: Digest } {
  const [start, end] = [key.indexOf('/') + 1, key.lastIndexOf('/@')];
  return { repository: parseRepositoryName(key.slice(start, end)), digest: parseDigest(key.slice(end + 2)) };
}

/** Room for every safe integer (16 digits), so that the order of keys is the order of numbers. */
const SEQ_DIGITS = 16;

function digestPath(digest: Digest): string {
  const encoded = digestEncoded(digest);
  return `${digestAlgorithm(digest)}/${encoded.slice(0, 2)}/${encoded}`;
}
