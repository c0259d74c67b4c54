import { z } from 'zod';
import { type CopyLimit, parseCopyLimits } from '#libs/geo';
import type { ControlChange, FailedCopyReport, RegionControl } from './region-steering.js';
import { count, digest, parsed, repositoryName } from './schema.js';

const limits = z
  .unknown()
  .optional()
  .transform((value): readonly CopyLimit[] | undefined =>
    value === null || value === undefined ? undefined : parseCopyLimits(value),
  );
const control = z.object({ pausedSinceMs: count.nullish(), limits });
const change = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('pause') }),
  z.object({ kind: z.literal('resume') }),
  z.object({ kind: z.literal('limits'), limits }),
  z.object({ kind: z.literal('retry'), digest: digest.optional(), repository: repositoryName.optional() }),
]);
const failedCopies = z
  .array(
    z.object({
      digest,
      size: count,
      reason: z.string().max(2_000),
      failures: count,
      sinceMs: count,
      triedMs: count,
      repositories: z.array(parsed(String)).max(100),
    }),
  )
  .max(10_000);

/** @throws Error */
export function parseRegionControl(value: unknown): RegionControl {
  const { pausedSinceMs, limits: said } = control.parse(value);
  return { pausedSinceMs: pausedSinceMs ?? undefined, limits: said };
}

/** @throws Error */
export function parseControlChange(value: unknown): ControlChange {
  return change.parse(value);
}

/** @throws Error */
export function parseFailedCopies(value: unknown): readonly FailedCopyReport[] {
  return failedCopies.parse(value);
}
