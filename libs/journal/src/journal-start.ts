import { type Digest, parseDigest } from '#libs/oci';
import { keys, type ObjectStore, type PutCondition } from '#libs/storage';

/**
 * Where the journal begins since its oldest batches were removed: the last entry that is gone, and the digest of the
 * batch that held it, which the first batch that is left names. It moves before anything is removed.
 */
export interface JournalStart {
  readonly seq: number;
  readonly chain: Digest;
}

/** `undefined`: nothing was ever removed. */
export async function findJournalStart(
  store: ObjectStore,
  signal: AbortSignal,
): Promise<(JournalStart & { readonly etag: string }) | undefined> {
  const found = await store.read(keys.journalStart, signal);
  if (found === undefined) return undefined;
  const { seq, chain } = JSON.parse(Buffer.from(found.bytes).toString()) as { seq: number; chain: string };
  return { seq, chain: parseDigest(chain), etag: found.etag };
}

/** Moves the start forward. @throws StorageError `precondition_failed` if somebody else moved it meanwhile */
export async function moveJournalStart(
  store: ObjectStore,
  found: { readonly etag: string } | undefined,
  { seq, chain }: JournalStart,
  signal: AbortSignal,
): Promise<void> {
  const condition: PutCondition = found === undefined ? { kind: 'absent' } : { kind: 'matches', etag: found.etag };
  await store.put(keys.journalStart, Buffer.from(JSON.stringify({ seq, chain })), { condition, signal });
}
