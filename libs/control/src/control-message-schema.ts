import { z } from 'zod';
import { type Digest, findDigest, parseRepositoryName } from '#libs/oci';
import type { ControlMessage } from './control-bus.js';

/** Grows when a message changes its meaning. Processes of two releases work side by side during an update. */
const VERSION = 1;

/** What travels: which process said it, so that it need not listen to itself, and what. */
export interface Envelope {
  readonly from: string;
  readonly message: ControlMessage;
  /** What was said together with it, after it. */
  readonly more: readonly ControlMessage[];
}

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const id = z.string().min(1).max(128);
const digest = z
  .string()
  .max(160)
  .transform((text, context): Digest => {
    const found = findDigest(text);
    if (found) return found;
    context.addIssue({ code: 'custom', message: 'not a digest' });
    return z.NEVER;
  });

const blob = z.object({ digest, size: count });

const repository = z.string().transform((text, context) => {
  try {
    return parseRepositoryName(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'not a repository' });
    return z.NEVER;
  }
});

const done = z.object({ done: count, total: count });
const bootstrap = z.object({
  seq: count,
  tail: count,
  images: done,
  bytes: done,
  estimateSeconds: z.number().optional(),
});

const progress = z
  .object({
    generation: z.string().max(128),
    epoch: count,
    watermark: count,
    beyond: z.array(count).max(100_000),
    settled: z.object({ upTo: count, except: z.array(repository).max(100) }).optional(),
    head: count,
    oldestPendingMs: z.number().optional(),
    backlog: z.object({ entries: count, bytes: count }),
    heardMs: z.number(),
    policySeq: count.default(0),
    failed: z.array(z.object({ seq: count, reason: z.string() })).max(100),
    bootstrap: bootstrap.optional(),
    pausedSinceMs: count.optional(),
    limit: z.object({ bytesPerSecond: count.optional(), copies: count.optional() }).optional(),
    setAside: count.optional(),
  })
  .transform(({ settled, bootstrap: filling, ...value }) => ({
    ...value,
    oldestPendingMs: value.oldestPendingMs,
    ...(settled === undefined ? {} : { settled }),
    ...(filling === undefined ? {} : { bootstrap: { ...filling, estimateSeconds: filling.estimateSeconds } }),
  }));

const message = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('journal.appended'), seq: count }),
  z.object({ kind: z.literal('blob.committed'), blob }),
  z.object({ kind: z.literal('blob.damaged'), blob }),
  z.object({ kind: z.literal('image.pulled'), repository, digest }),
  z.object({ kind: z.literal('controls.changed') }),
  z.object({ kind: z.literal('region.progress'), progress }),
  z.object({ kind: z.literal('blob.progress'), blob, bytesDone: count }),
  z.object({ kind: z.literal('bytes.copied'), bytes: count }),
  z.object({
    kind: z.literal('process.heartbeat'),
    process: z.object({ id, app: z.enum(['registry', 'replicator']), pid: count, startedMs: z.number() }),
  }),
]);

const envelope = z.object({
  version: z.literal(VERSION),
  from: id,
  message,
  more: z.array(message).max(1_000).default([]),
});

/** Whoever does not know of `more` reads the first message, and the others are lost to him. */
export function formatEnvelope({ from, message: said, more }: Envelope): object {
  return { version: VERSION, from, message: said, ...(more.length > 0 && { more }) };
}

/**
 * Whether a message on its way claims to be of that process: nobody has to read what he said himself. No text within it can
 * look like this, for its quotes are escaped.
 */
export function isFrom(processId: string, raw: string): boolean {
  return raw.includes(`"from":${JSON.stringify(processId)}`);
}

/** The envelope, or why it is none: from a newer release, from something else, or broken. */
export function readEnvelope(value: unknown): Envelope | { readonly unreadable: string } {
  const result = envelope.safeParse(value);
  if (result.success) return { from: result.data.from, message: result.data.message, more: result.data.more };
  const [issue] = result.error.issues;
  return { unreadable: `${issue?.path.join('.') || 'message'}: ${issue?.message ?? 'invalid'}` };
}
