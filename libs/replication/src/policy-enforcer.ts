import type { Policy } from '#libs/geo';
import type { Entry } from '#libs/journal';
import type { Digest, RepositoryName } from '#libs/oci';
import { PeerError } from '#libs/peer';
import type { PlacedPolicy, RegionContent } from '#libs/registry';
import { anySignal, type Clock, Limiter, type Random, SharedRounds } from '#libs/resilience';
import { type Admit, type Arrival, Arrivals } from './arrivals.js';
import { evict } from './evict.js';
import { EvictionRounds } from './eviction-rounds.js';
import type { JournalSource } from './journal-source.js';
import type { RegionStanding } from './region-standing.js';
import { NO_POLICY, type Selection } from './selection.js';
import { untilDone } from './until-done.js';

/** What this process knows may be so old that others have noted a newer policy: so long it waits for the store's answer. */
const LOOK_LIMIT_MS = 10_000;

export interface PolicyEnforcerOptions {
  readonly source: JournalSource;
  readonly content: RegionContent;
  readonly selection: Selection;
  readonly standing: () => RegionStanding;
  /** Finds out anew what pending entries need; resolves when nothing is under way that began before. */
  readonly replan: () => Promise<void>;
  /** Plans and applies an entry of the past once more. */
  readonly takeAgain: (entry: Entry) => void;
  /** Takes in the newest snapshot, where the journal was cut, unless `superseded` aborts. @returns the place that it stands for */
  readonly refill: (superseded: AbortSignal) => Promise<number>;
  /** Entries planned and not applied, at the most just now. */
  readonly window: () => number;
  readonly clock: Clock;
  readonly random: Random;
  readonly onRetry: (what: string, error: unknown) => void;
  /** Aborts when the replicator stops. */
  readonly signal: AbortSignal;
}

/**
 * Brings a region's content to a new policy. What the policy takes away is gone when {@link adopt} resolves, so the entry
 * that brought it counts as applied only then. What it gives back is read again from the journal, in the background. Both
 * are noted in the store: whoever comes after a crash goes on.
 */
export class PolicyEnforcer {
  readonly #alone = new Limiter(1);
  #enforced = NO_POLICY;
  /** The region's bucket knows the policy of that place in the journal, or a newer one. */
  #storedSeq = 0;
  /** Those that this process went by since, for what they took away. */
  readonly #superseded = new Set<Policy>();
  #adopting: Promise<void> = Promise.resolve();
  #regaining = new AbortController();
  #regained: Promise<void> = Promise.resolve();

  readonly #looks: SharedRounds<string, void>;
  readonly #rounds: EvictionRounds;
  readonly #arrivals: Arrivals;

  constructor(private readonly options: PolicyEnforcerOptions) {
    const { selection, clock, signal } = options;
    this.#looks = new SharedRounds({ clock, limitMs: LOOK_LIMIT_MS });
    const evict = (repository: RepositoryName, applied: ReadonlySet<number>) => this.#evict(repository, applied);
    this.#rounds = new EvictionRounds({ turns: this.#alone, evict, signal });
    this.#arrivals = new Arrivals({
      ...{ selection, turns: this.#alone, evict, rounds: this.#rounds, signal },
      store: (placed) => this.#store(placed),
      lookForNewer: () => this.#lookForNewer(),
    });
  }

  /** Reads what this region knows of the policy, before it takes any entry. */
  async open(signal: AbortSignal): Promise<void> {
    const { content, selection, standing } = this.options;
    const [current, enforced] = [await content.policies.current(signal), await content.policies.enforced(signal)];
    this.#enforced = enforced ?? NO_POLICY;
    this.#storedSeq = current?.seq ?? 0;
    standing().follows(this.#enforced.seq);
    if (current !== undefined) selection.adopt(current);
  }

  /** Goes on with what another process has begun, and takes away what one left that went by older rules and died. */
  async resume(): Promise<void> {
    if (this.options.selection.placed.seq > this.#enforced.seq) await this.#enforce();
    else this.#regained = this.trim().catch(() => undefined);
  }

  /** Goes by that policy if it is newer than what is known. Resolves when it is clear what it leaves here. */
  adopt({ seq, policy }: PlacedPolicy): Promise<void> {
    const { selection } = this.options;
    const before = selection.placed;
    if (!selection.adopt({ seq, policy })) return this.#adopting;
    // Whatever others have noted since: this process may have taken something away by it.
    if (before.seq > this.#enforced.seq) this.#superseded.add(before.policy);
    this.#adopting = this.#adopting.then(async () => {
      await this.#untilDone('storing the policy', () => this.#store({ seq, policy }));
      await this.#enforce();
    });
    return this.#adopting;
  }

  /** The same for whoever cannot wait: who applies something, or fills the region, is waited for. */
  hear(placed: PlacedPolicy): void {
    this.adopt(placed).catch(() => undefined); // It only rejects when the replicator stops.
  }

  /**
   * Applies an entry, held against the newest rules where it brings something.
   * @param admit how to apply it, if it may be now
   * @returns whether rules came meanwhile
   */
  async alone(entry: Entry, admit: Admit): Promise<boolean> {
    if (entry.type === 'manifest.put') return this.arrive(entry, admit);
    await admit()?.();
    return false;
  }

  /** The same of whatever comes to the region because its rules let it: no more than a name is held against them, too. */
  async arrive(arrival: Arrival, admit: Admit): Promise<boolean> {
    if (!this.options.selection.isWhole) return this.#arrivals.take(arrival, admit);
    await admit()?.();
    return false;
  }

  /** Takes away what the policy excludes and is here all the same. */
  async trim(): Promise<void> {
    const { selection, content, signal } = this.options;
    await this.#untilDone('taking away what the policy excludes', async () => {
      if (!selection.rules.restricts) return;
      for await (const repositories of content.catalog.all(signal)) {
        for (const repository of repositories.filter((each) => selection.rules.limits(each))) {
          await this.#rounds.look(repository);
        }
      }
    });
  }

  /** Resolves when nothing goes on in the background any more. */
  async ended(): Promise<void> {
    await this.#regained;
  }

  async #enforce(): Promise<void> {
    const { selection, replan } = this.options;
    const { placed } = selection;
    this.#regaining.abort(new Error('another policy came'));
    await replan();
    await this.#regained;
    // What other processes have finished is not done again: by now they may be giving back what these rules take.
    const enforced = await this.#enforcedHere();
    if (this.#superseded.size === 0 && enforced.seq >= placed.seq) return this.#note(placed);
    await this.trim();
    // Newer rules came meanwhile, and their turn is next.
    if (selection.placed !== placed) return;
    const unfinished = await this.#unfinished();
    // Others may have finished taking by rules that this process never heard of.
    const taken = [this.#enforced.policy, enforced.policy, ...unfinished, ...this.#superseded];
    const regains = selection.regained(taken);
    if (regains === undefined) return this.#note(placed);
    this.#regaining = new AbortController();
    this.#regained = this.#regain(placed, regains, this.#regaining.signal).catch(() => undefined);
  }

  #lookForNewer(): Promise<void> {
    return this.#looks.run('newest', (look) => this.#look(look), this.options.signal);
  }

  /** If the region's store knows of newer rules than this process, it goes by them at once. */
  async #look(signal: AbortSignal): Promise<void> {
    const { content, selection } = this.options;
    const newest = await content.policies.current(signal);
    if (newest === undefined || newest.seq <= selection.placed.seq) return;
    this.hear(newest);
  }

  /** The newest policy that any process of the region has finished with. */
  async #enforcedHere(): Promise<PlacedPolicy> {
    const { content, signal } = this.options;
    let enforced = NO_POLICY;
    await this.#untilDone('reading the policy that is followed', async () => {
      enforced = (await content.policies.enforced(signal)) ?? NO_POLICY;
    });
    return enforced;
  }

  /** Policies that were replaced before this region was done with them, whichever of its processes went by them. */
  async #unfinished(): Promise<readonly Policy[]> {
    const { content, signal } = this.options;
    let found: readonly Policy[] = [];
    await this.#untilDone('reading the policy', async () => {
      found = (await content.policies.current(signal))?.unfinished ?? [];
    });
    return found;
  }

  /** Reads from the journal what is given back. Until all of it is here the region does not say that it follows the policy. */
  async #regain(placed: PlacedPolicy, regains: (entry: Entry) => boolean, superseded: AbortSignal): Promise<void> {
    const reading = anySignal([this.options.signal, superseded]);
    try {
      let from = 0;
      const last = this.options.standing().reach;
      while (from < last) {
        await this.#untilDone(
          'reading again what the policy gives back',
          async () => {
            from = await this.#readOrRefill(from, last, regains, reading.signal);
          },
          reading.signal,
        );
      }
      // Whoever goes by older rules leaves nothing out beyond the place of these, for it hears of them there. But before that other
      // processes may have, further on than this one was, of the journal or of a snapshot: this one brings it when it comes to it.
      await this.#until(() => this.options.standing().hasAllBefore(placed.seq, regains), reading.signal);
      await this.#note(placed);
    } finally {
      reading.release();
    }
  }

  /** @returns how far it came */
  async #readOrRefill(after: number, last: number, regains: (entry: Entry) => boolean, signal: AbortSignal) {
    try {
      return await this.#read(after, last, regains, signal);
    } catch (error) {
      if (error instanceof PeerError && error.code === 'gone') return this.options.refill(signal);
      throw error;
    }
  }

  /** @returns how far it came */
  async #read(after: number, last: number, regains: (entry: Entry) => boolean, signal: AbortSignal): Promise<number> {
    const { source, standing, window, takeAgain } = this.options;
    let read = after;
    for await (const message of source.journal(after, signal)) {
      if (message.kind === 'unreadable') read = message.seq;
      if (message.kind === 'entry') {
        if (regains(message.entry)) {
          await this.#until(() => standing().hasRoom(window()), signal);
          takeAgain(message.entry);
        }
        read = message.entry.seq;
      }
      if (read >= last) break;
    }
    return read;
  }

  async #note(placed: PlacedPolicy): Promise<void> {
    const { content, standing, signal } = this.options;
    await this.#untilDone('noting that the policy is followed', () => content.policies.enforce(placed, signal));
    this.#enforced = placed;
    this.#superseded.clear();
    standing().follows(placed.seq);
  }

  /** Nothing goes or is left out by rules of which the bucket does not know: nobody would show it less, or give it back. */
  async #store(placed: PlacedPolicy): Promise<void> {
    if (placed.seq <= this.#storedSeq) return;
    const { selection, signal } = this.options;
    const { policies } = this.options.content;
    await (selection.isWhole ? policies.put(placed, signal) : policies.follow(placed, signal));
    this.#storedSeq = Math.max(this.#storedSeq, placed.seq);
  }

  async #evict(repository: RepositoryName, applied: ReadonlySet<number>): Promise<void> {
    const { content, selection, signal } = this.options;
    const { rules } = selection;
    await this.#store(selection.placed);
    const confirm = async (): Promise<void> => {
      await this.#lookForNewer();
      if (selection.rules !== rules) throw new Error('other rules came');
    };
    await evict(content, repository, { rules, inUse: this.#inUse(repository, applied), confirm }, signal);
  }

  /** Manifests that pending entries bring, and those that they lead to. */
  #inUse(repository: RepositoryName, applied: ReadonlySet<number>): ReadonlySet<Digest> {
    const pending = this.options.standing().pending.flatMap((entry) => {
      const admitted = applied.has(entry.seq) ? undefined : this.options.selection.admitted(entry);
      if (admitted?.type !== 'manifest.put' || admitted.repository !== repository) return [];
      return [admitted.digest, ...admitted.children];
    });
    return new Set(pending);
  }

  async #until(condition: () => boolean, signal: AbortSignal): Promise<void> {
    const { clock, standing } = this.options;
    for (;;) {
      const { changed } = standing();
      const { version } = changed;
      if (condition()) return;
      await changed.waitFor(version, { limitMs: Number.POSITIVE_INFINITY, clock, signal });
    }
  }

  #untilDone(what: string, work: () => Promise<void>, signal = this.options.signal): Promise<void> {
    return untilDone(what, work, { ...this.options, signal });
  }
}
