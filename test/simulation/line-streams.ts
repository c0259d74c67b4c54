import type { JournalReader } from '#libs/journal';
import { JOURNAL_HEARTBEAT_MS, type JournalMessage, type RegionStatus, type StatusSource } from '#libs/peer';
import type { Policies } from '#libs/registry';
import { type Clock, onAbort } from '#libs/resilience';
import type { HintBoard } from './hint-board.js';

/** What several loops say, one after the other, until one of them fails or the signal aborts. */
class Lines<T> {
  readonly #said: T[] = [];
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => undefined;

  say(item: T): void {
    this.#said.push(item);
    this.#wake();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  async *all(): AsyncGenerator<T> {
    for (;;) {
      const [next] = this.#said;
      if (next !== undefined) {
        this.#said.shift();
        yield next;
      } else if (this.#failure !== undefined) {
        throw this.#failure.error;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  /** Runs beside the others. */
  async beside(loop: () => Promise<void>): Promise<void> {
    try {
      await loop();
    } catch (error) {
      this.fail(error);
    }
  }
}

/** The journal as the primary sends it: a head, the entries, hints among them, and a head each heartbeat. */
export async function* journalStream(
  from: {
    readonly journal: JournalReader;
    readonly policies: Pick<Policies, 'current'>;
    readonly hints: HintBoard;
    readonly clock: Clock;
  },
  after: number,
  signal: AbortSignal,
): AsyncGenerator<JournalMessage> {
  const { journal, policies, hints, clock } = from;
  const lines = new Lines<JournalMessage>();
  const sayHead = (): void => {
    const { seq, epoch, timeMs } = journal.head;
    lines.say({ kind: 'head', seq, epoch, timeMs });
  };
  await journal.refresh(signal);
  const placed = await policies.current(signal);
  if (placed !== undefined) lines.say({ kind: 'policy', ...placed });
  sayHead();
  const unlisten = hints.listen((blob) => lines.say({ kind: 'hint', blob }));
  const stop = onAbort(signal, () => lines.fail(signal.reason));
  void lines.beside(async () => {
    for await (const entry of journal.follow(after, signal)) {
      lines.say({ kind: 'entry', entry });
      if (entry.seq >= journal.head.seq) sayHead();
    }
  });
  void lines.beside(() => everyHeartbeat(clock, signal, sayHead));
  try {
    yield* lines.all();
  } finally {
    unlisten();
    stop();
  }
}

/** The status as a region sends it: whenever it changes, and each heartbeat. */
export async function* statusStream(
  status: StatusSource,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<RegionStatus> {
  const lines = new Lines<RegionStatus>();
  const stop = onAbort(signal, () => lines.fail(signal.reason));
  void lines.beside(async () => {
    for await (const current of status.changes(JOURNAL_HEARTBEAT_MS, signal)) lines.say(current);
  });
  void lines.beside(() => everyHeartbeat(clock, signal, () => lines.say(status.current())));
  try {
    yield* lines.all();
  } finally {
    stop();
  }
}

async function everyHeartbeat(clock: Clock, signal: AbortSignal, beat: () => void): Promise<void> {
  for (;;) {
    await clock.sleep(JOURNAL_HEARTBEAT_MS, signal);
    beat();
  }
}
