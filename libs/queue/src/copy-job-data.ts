import { type BlobDescriptor, type Digest, digestAlgorithm, digestEncoded, parseDigest } from '#libs/oci';

/** What a job holds in Redis. It is clear text there: no secrets, no names of repositories. */
export interface CopyJobData {
  readonly version: 1;
  readonly digest: string;
  readonly size: number;
}

/** BullMQ refuses ids with a colon, so `sha256:…` becomes `sha256-…`. Equal digests are one job. */
export function copyJobId(digest: Digest): string {
  return `${digestAlgorithm(digest)}-${digestEncoded(digest)}`;
}

export function copyJobData(blob: BlobDescriptor): CopyJobData {
  return { version: 1, digest: blob.digest, size: blob.size };
}

/** @throws Error for data of another version or none of ours: whoever reads it can do nothing with it. */
export function parseCopyJobData(data: unknown): BlobDescriptor {
  const { version, digest, size } = (data ?? {}) as Partial<Record<keyof CopyJobData, unknown>>;
  if (version !== 1 || typeof digest !== 'string' || !Number.isSafeInteger(size)) {
    throw new Error(`not a copy job: ${JSON.stringify(data)?.slice(0, 200)}`);
  }
  return { digest: parseDigest(digest), size: size as number };
}
