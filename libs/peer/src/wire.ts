/** The paths and headers that regions speak with each other; both ends take them from here. */
export const PEER_PATH = '/_meridian/v1';

/** The size of the whole blob, whatever range is sent. */
export const BLOB_SIZE_HEADER = 'meridian-blob-size';

/** Said of bytes that come from a copy which is still under way. */
export const BLOB_GROWING_HEADER = 'meridian-blob-growing';

/** Which manifest an answer holds (distribution-spec, Pulling manifests). */
export const MANIFEST_DIGEST_HEADER = 'docker-content-digest';

/** The entry that set the tag which was asked for; left out for a digest. */
export const TAG_SEQ_HEADER = 'meridian-tag-seq';

/** What is asked of what a region holds. */
export const SUMMARY_QUESTIONS = [
  'position',
  'region',
  'repositories',
  'buckets',
  'items',
  'manifest',
  'links',
  'rehash',
] as const;

export type SummaryQuestion = (typeof SUMMARY_QUESTIONS)[number];

/** A line of the answer: something, nothing yet, or that this was all. */
export interface SummaryLine {
  readonly value?: unknown;
  readonly end?: true;
}
