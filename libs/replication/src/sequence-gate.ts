import type { JournalReader } from '#libs/journal';
import type { RepositoryName } from '#libs/oci';
import type { RegionStatus } from '#libs/peer';
import type { Clock, Notifier } from '#libs/resilience';
import { retryAfterSeconds } from './retry-estimate.js';

/** A change without blobs arrives within two round trips; asking the primary instead costs one. */
const PATIENCE_MS = 200;

/** Whether this region has come to a place in the journal. */
export interface SequenceGate {
  /**
   * True as soon as everything of a repository up to `seq` shows here (without one: of all); false if that does not come
   * about within a short while.
   */
  reaches(seq: number, repository: RepositoryName | undefined, signal: AbortSignal): Promise<boolean>;
  /** What is missing here up to `seq`, in plain JSON, and in how many seconds it is worth asking again. */
  missing(seq: number): { readonly detail: object; readonly retryAfterSeconds: number };
}

/** At the primary everything that was answered shows; what is beyond the journal's end was never answered by it. */
export function primaryGate(journal: JournalReader): SequenceGate {
  return {
    reaches: async (seq, _repository, signal) => seq <= journal.head.seq || seq <= (await journal.refresh(signal)).seq,
    missing: (seq) => ({ detail: { sequence: seq, head: journal.head.seq }, retryAfterSeconds: 2 }),
  };
}

/** At a replica: what its replicator said that it has applied. */
export function replicaGate(
  status: { readonly changed: Notifier; current(): RegionStatus },
  clock: Clock,
): SequenceGate {
  return {
    reaches: async (seq, repository, signal) => {
      const endMs = clock.monotonic() + PATIENCE_MS;
      for (;;) {
        const { version } = status.changed;
        if (shows(status.current(), seq, repository)) return true;
        const leftMs = endMs - clock.monotonic();
        if (leftMs <= 0) return false;
        await status.changed.waitFor(version, { limitMs: leftMs, clock, signal });
      }
    },
    missing: (seq) => {
      const now = status.current();
      const { region, watermark, head, backlog, lagSeconds } = now;
      return {
        detail: { region, sequence: seq, applied: watermark, head, backlog, lagSeconds },
        retryAfterSeconds: retryAfterSeconds(now),
      };
    },
  };
}

/** An image that is slow to come keeps nobody waiting who asks for another repository. */
function shows({ watermark, settled }: RegionStatus, seq: number, repository: RepositoryName | undefined): boolean {
  if (watermark >= seq) return true;
  if (settled === undefined || settled.upTo < seq) return false;
  return repository === undefined ? settled.except.length === 0 : !settled.except.includes(repository);
}
