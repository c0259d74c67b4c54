import type { JournalReader } from '#libs/journal';
import { type JournalMessage, type PeerClient } from '#libs/peer';
import type { Clock } from '#libs/resilience';

/** Where a region hears of changes. */
export interface JournalSource {
  /** What comes after `after`; ends or rejects when the source is lost, and is asked again. */
  journal(after: number, signal: AbortSignal): AsyncIterable<JournalMessage>;
}

/** A replica follows the primary over the network. */
export function peerJournalSource(primary: PeerClient): JournalSource {
  return { journal: (after, signal) => primary.journal(after, signal) };
}

/** The primary's own replicator follows the journal in its bucket: it applies what a writer that died left behind. */
export function localJournalSource(journal: JournalReader, clock: Clock): JournalSource {
  const head = (): JournalMessage => {
    const { seq, epoch } = journal.head;
    return { kind: 'head', seq, epoch, timeMs: clock.now() };
  };
  return {
    async *journal(after, signal) {
      await journal.refresh(signal);
      yield head();
      for await (const entry of journal.follow(after, signal)) {
        yield { kind: 'entry', entry };
        if (entry.seq === journal.head.seq) yield head();
      }
    },
  };
}
