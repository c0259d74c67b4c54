import { z } from 'zod';
import { parsePolicy } from '#libs/geo';
import { parseEntry } from '#libs/journal';
import type { JournalMessage } from './peer-client.js';
import { blobDescriptor, count } from './schema.js';

const head = z.object({ kind: z.literal('head'), seq: count, epoch: count, timeMs: count });
const hint = z.object({ kind: z.literal('hint'), blob: blobDescriptor });
const placed = z.object({ seq: count.min(1) });
const policy = z.object({ seq: count, policy: z.unknown() });
const envelope = z.looseObject({ kind: z.string(), entry: z.unknown().optional() });

/**
 * One line of the journal's stream. `undefined`: a kind of message that this release does not know and may ignore.
 * @throws Error for anything that is no message
 */
export function parseJournalMessage(value: unknown): JournalMessage | undefined {
  const { kind, entry } = envelope.parse(value);
  switch (kind) {
    case 'head':
      return head.parse(value);
    case 'hint':
      return hint.parse(value);
    case 'policy':
      return parsePolicyMessage(value);
    case 'entry':
      return parsePlacedEntry(entry);
    default:
      return undefined;
  }
}

/** One that cannot be read must not be passed over: the region would take what it must not have. @throws Error */
function parsePolicyMessage(value: unknown): JournalMessage {
  const { seq, policy: rules } = policy.parse(value);
  return { kind: 'policy', seq, policy: parsePolicy(rules) };
}

/** An entry that cannot be read still has a place, and what comes after it can be read. */
function parsePlacedEntry(value: unknown): JournalMessage {
  try {
    return { kind: 'entry', entry: parseEntry(value) };
  } catch (error) {
    const { seq } = placed.parse(value);
    return { kind: 'unreadable', seq, reason: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return (cause instanceof Error ? cause.message : String(cause)).slice(0, 200);
}
