import { z } from 'zod';
import { parseRegionName } from '#libs/geo';
import { parseDigest, parseRepositoryName } from '#libs/oci';
import type { ImagePresence, RegionStatus } from './peer-client.js';

/** A schema of what a parser accepts; its errors become the schema's. */
export function parsed<T>(parse: (text: string) => T) {
  return z.string().transform((text, context) => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : 'invalid' });
      return z.NEVER;
    }
  });
}

export const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
export const digest = parsed(parseDigest);
export const repositoryName = parsed(parseRepositoryName);
export const blobDescriptor = z.object({ digest, size: count });

const MAX_REASON_LENGTH = 1_000;

const done = z.object({ done: count, total: count });

export const bootstrapProgress = z
  .object({ seq: count, tail: count, images: done, bytes: done, estimateSeconds: z.number().min(0).optional() })
  .transform((value) => ({ ...value, estimateSeconds: value.estimateSeconds }));

/** What a region says of how operators steer it; a field that is not there was not said. */
export const steeringFields = {
  pausedSinceMs: count.optional(),
  limit: z.object({ bytesPerSecond: count.optional(), copies: count.optional() }).optional(),
  setAside: count.optional(),
};

const regionStatus = z.object({
  region: parsed(parseRegionName),
  role: z.enum(['primary', 'replica']),
  ready: z.boolean(),
  generation: z.string().max(100),
  epoch: count,
  watermark: count,
  beyond: z.array(count).max(100_000),
  head: count,
  oldestPendingMs: count.optional(),
  backlog: z.object({ entries: count, bytes: count }),
  heardMs: count,
  policySeq: count.default(0),
  failed: z.array(z.object({ seq: count, reason: z.string().max(MAX_REASON_LENGTH) })).max(100),
  bootstrap: bootstrapProgress.optional(),
  ...steeringFields,
  lagSeconds: z.number().min(0),
  throughput: z.object({ bytesPerSecond: z.number().min(0), entriesPerSecond: z.number().min(0) }).optional(),
  timeMs: count,
});

const imagePresence = z.object({
  region: parsed(parseRegionName),
  repository: repositoryName,
  state: z.enum(['unknown', 'pending', 'copying', 'failed', 'present', 'excluded', 'on-demand']),
  sinceMs: count.optional(),
  reason: z
    .string()
    .max(2 * MAX_REASON_LENGTH)
    .optional(),
  digest: digest.optional(),
  bytes: z.object({ done: count, total: count }),
  missing: z.array(digest).max(100_000),
  timeMs: count,
});

/** @throws Error for anything that is no status */
export function parseRegionStatus(value: unknown): RegionStatus {
  const { oldestPendingMs, throughput, bootstrap, ...status } = regionStatus.parse(value);
  return {
    ...status,
    oldestPendingMs,
    ...(throughput === undefined ? {} : { throughput }),
    ...(bootstrap === undefined ? {} : { bootstrap }),
  };
}

/** @throws Error for anything that is no presence */
export function parseImagePresence(value: unknown): ImagePresence {
  const { digest: known, sinceMs, reason, ...presence } = imagePresence.parse(value);
  return {
    ...presence,
    ...(known === undefined ? {} : { digest: known }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** @throws Error for anything that is no descriptor of a blob */
export function parseBlobDescriptor(value: unknown) {
  return blobDescriptor.parse(value);
}
