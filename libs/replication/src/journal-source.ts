import { type Entry, JournalError, type JournalReader, type SnapshotSource } from '#libs/journal';
import type { Digest, RepositoryName } from '#libs/oci';
import { JOURNAL_HEARTBEAT_MS, type JournalMessage, type PeerClient, PeerError } from '#libs/peer';
import { anySignal, type Clock } from '#libs/resilience';

/** Where a region hears of changes. */
export interface JournalSource {
  /**
   * What comes after `after`; ends or rejects when the source is lost, and is asked again. @throws PeerError `gone` if the
   * journal was cut off beyond `after`
   */
  journal(after: number, signal: AbortSignal): AsyncIterable<JournalMessage>;
  /**
   * Whether the primary shows that manifest no more, which the entry at `seq` put. While the primary has not applied that
   * entry itself (its writer may have died before it could) this is false: what is not shown yet was not deleted.
   */
  isDeleted(
    put: { readonly repository: RepositoryName; readonly digest: Digest; readonly seq: number },
    signal: AbortSignal,
  ): Promise<boolean>;
  /** A place after which the journal can be followed: nothing behind it was cut off. */
  origin(signal: AbortSignal): Promise<number>;
  /** What the journal up to some place came to; not where the journal itself is at home. */
  readonly snapshots?: SnapshotSource;
}

/** A replica follows the primary over the network. */
export function peerJournalSource(primary: PeerClient): JournalSource {
  return {
    journal: (after, signal) => primary.journal(after, signal),
    isDeleted: async ({ repository, digest, seq }, signal) => {
      // In this order: only what was applied before the question can have been deleted when it is answered.
      if ((await primary.status(signal)).watermark < seq) return false;
      return (await primary.findManifest(repository, { kind: 'digest', digest }, signal)) === undefined;
    },
    // Only what lies below a snapshot is ever cut off.
    origin: async (signal) => (await primary.snapshots.newest(signal))?.position.seq ?? 0,
    snapshots: primary.snapshots,
  };
}

/** The primary's own replicator follows the journal in its bucket: it applies what a writer that died left behind. */
export function localJournalSource(journal: JournalReader, clock: Clock): JournalSource {
  const head = (): JournalMessage => {
    const { seq, epoch, timeMs } = journal.head;
    return { kind: 'head', seq, epoch, timeMs };
  };
  return {
    // Its registry processes apply deletes themselves, whatever this one has come to.
    isDeleted: () => Promise.resolve(false),
    origin: (signal) => journal.cutOff(signal),
    async *journal(after, signal) {
      const ended = new AbortController();
      const following = anySignal([signal, ended.signal]);
      const entries = journal.follow(after, following.signal)[Symbol.asyncIterator]();
      try {
        await journal.refresh(signal);
        yield head();
        for (let next = entries.next(); ; ) {
          const result = await withinHeartbeat(next, clock, signal);
          if (result === undefined) {
            yield head();
            continue;
          }
          if (result.done === true) return;
          yield { kind: 'entry', entry: result.value };
          next = entries.next();
        }
      } finally {
        ended.abort(new Error('nobody follows any more'));
        following.release();
      }
    },
  };
}

/** The entries that another region tells of after a place, as far as it has them now. */
export async function* entriesOf(source: JournalSource, after: number, signal: AbortSignal): AsyncGenerator<Entry> {
  let [seq, head] = [after, Number.POSITIVE_INFINITY];
  for await (const message of source.journal(after, signal)) {
    if (message.kind === 'head') head = message.seq;
    if (message.kind === 'entry' || message.kind === 'unreadable')
      seq = message.kind === 'entry' ? message.entry.seq : message.seq;
    if (message.kind === 'entry') yield message.entry;
    if (seq >= head) return;
  }
}

/** What `next` resolves to, or `undefined` if that takes longer than the pause between two heads. */
async function withinHeartbeat<T>(next: Promise<T>, clock: Clock, signal: AbortSignal): Promise<T | undefined> {
  const over = new AbortController();
  const pausing = anySignal([signal, over.signal]);
  const pause = clock.sleep(JOURNAL_HEARTBEAT_MS, pausing.signal).then(() => undefined);
  pause.catch(() => undefined);
  next.catch(() => undefined);
  try {
    return await Promise.race([next, pause]);
  } finally {
    over.abort();
    pausing.release();
  }
}

/** The entry at a place; `undefined` if there is none, `gone` if the journal was cut off beyond it. */
export async function entryAt(
  source: JournalSource,
  seq: number,
  signal: AbortSignal,
): Promise<Entry | 'gone' | undefined> {
  if (seq < 1) return undefined;
  try {
    for await (const entry of entriesOf(source, seq - 1, signal)) return entry.seq === seq ? entry : undefined;
    return undefined;
  } catch (error) {
    if (error instanceof PeerError && error.code === 'gone') return 'gone';
    throw error;
  }
}

/** The same as {@link entriesOf}, as whoever reads a journal knows it. @throws JournalError `truncated` */
export async function* keptEntriesOf(source: JournalSource, after: number, signal: AbortSignal): AsyncGenerator<Entry> {
  try {
    yield* entriesOf(source, after, signal);
  } catch (cause) {
    if (!(cause instanceof PeerError && cause.code === 'gone')) throw cause;
    throw new JournalError('truncated', `what comes after entry ${after} was cut off`, { cause });
  }
}
