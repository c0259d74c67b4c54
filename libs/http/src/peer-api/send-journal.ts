import type { JournalReader } from '#libs/journal';
import { JOURNAL_HEARTBEAT_MS, type JournalMessage } from '#libs/peer';
import type { Policies } from '#libs/registry';
import { type Clock, TaskGroup } from '#libs/resilience';
import type { HintSource } from './hints.js';
import type { LineStream } from './line-stream.js';

export interface JournalFeed {
  readonly policies: Pick<Policies, 'current'>;
  readonly journal: JournalReader;
  readonly hints: HintSource;
  readonly clock: Clock;
}

/** Everything after `after`, then whatever comes, until the signal aborts. What it sends is the peer port's promise. */
export async function sendJournal(
  { policies, journal, hints, clock }: JournalFeed,
  after: number,
  lines: LineStream,
  signal: AbortSignal,
): Promise<void> {
  const say = (message: JournalMessage, limited: AbortSignal) => lines.send(message, limited);
  const sayHead = (limited: AbortSignal) => say(headOf(journal), limited);
  // A listener takes the first head for all that was committed so far: another process may have appended since.
  await journal.refresh(signal);
  const placed = await policies.current(signal);
  if (placed !== undefined) await say({ kind: 'policy', ...placed }, signal);
  await sayHead(signal);
  const group = new TaskGroup(signal);
  group.add(async (limited) => {
    for await (const entry of journal.follow(after, limited)) {
      await say({ kind: 'entry', entry }, limited);
      if (entry.seq >= journal.head.seq) await sayHead(limited);
    }
  });
  group.add(async (limited) => {
    for await (const blob of hints.hints(limited)) await say({ kind: 'hint', blob }, limited);
  });
  group.add(async (limited) => {
    for (;;) {
      await clock.sleep(JOURNAL_HEARTBEAT_MS, limited);
      await sayHead(limited);
    }
  });
  await group.join();
}

function headOf({ head: { seq, epoch, timeMs } }: JournalReader): JournalMessage {
  return { kind: 'head', seq, epoch, timeMs };
}
