import { type RegionName, RegionRules } from '#libs/geo';
import { UpkeepLease, type UpkeepWork } from '#libs/registry';
import { type Clock, DeadlineExceeded, type Random, withDeadline } from '#libs/resilience';
import { keys, type ObjectStore } from '#libs/storage';
import { type AntiEntropyReport, addFinding, freshRound } from './anti-entropy-report.js';
import { Comparison } from './comparison.js';
import { type Difference, nameOf } from './difference.js';
import { Mender, type MenderOptions } from './mender.js';

/** Side by side: pulls and copies for new entries come first. */
const MENDED_AT_ONCE = 4;

/** What takes longer goes on in the replicator, and is looked at again by the next round. */
const MEND_LIMIT_MS = 60_000;

export interface AntiEntropyOptions extends MenderOptions {
  readonly store: ObjectStore;
  readonly region: RegionName;
  /** Whether the region is taking in a snapshot: then it is known to lack things. */
  readonly isFilling: () => boolean;
  /** What others are told of who compares. */
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly onDifference: (difference: Difference, repaired: boolean) => void;
  readonly onMendError: (difference: Difference, error: unknown) => void;
  readonly onFinished: (report: AntiEntropyReport) => void;
}

/** The region is being changed as a whole; it is compared later. */
class Postponed extends Error {
  override readonly name = 'Postponed';
}

/** Compares a replica with the primary, repairs what differs, and says so. One process of a region at a time. */
export class AntiEntropy implements UpkeepWork<undefined, AntiEntropyReport> {
  readonly #lease: UpkeepLease;
  readonly #mender: Mender;
  #report: AntiEntropyReport | undefined;

  constructor(private readonly options: AntiEntropyOptions) {
    this.#lease = new UpkeepLease({ ...options, key: keys.antiEntropyLease, what: 'a comparison' });
    this.#mender = new Mender(options);
  }

  get report(): AntiEntropyReport | undefined {
    return this.#report;
  }

  /** @throws UpkeepRunning if one runs in the region · PeerError, StorageError: the report says so too */
  run(
    signal: AbortSignal,
    _request: undefined,
    onBegan: (report: AntiEntropyReport) => void,
  ): Promise<AntiEntropyReport> {
    const { random, clock, onFinished } = this.options;
    return this.#lease.hold(async (held) => {
      const report = freshRound(random.uuid(), clock.now());
      this.#report = report;
      onBegan(report);
      try {
        await this.#round(report, held);
        report.outcome = 'done';
      } catch (error) {
        report.outcome = error instanceof Postponed ? 'postponed' : 'failed';
        report.reason = error instanceof Error ? error.message : String(error);
        if (!(error instanceof Postponed)) throw error;
      } finally {
        report.finishedMs = clock.now();
        onFinished(report);
      }
      await this.#save(report, held);
      return report;
    }, signal);
  }

  async #round(report: AntiEntropyReport, signal: AbortSignal): Promise<void> {
    const { primary, local } = this.options;
    const rules = await this.#rules(signal);
    const comparison = await Comparison.open({ primary, region: local, rules }, signal);
    report.position = comparison.position;
    for await (const repository of comparison.repositories(signal)) {
      report.repositories += 1;
      await this.#mendAll(report, comparison.differences(repository, signal), signal);
    }
  }

  /** Some at once, and one kind of thing after the other: what is led to comes before what leads to it. */
  async #mendAll(
    report: AntiEntropyReport,
    differences: AsyncIterable<Difference>,
    signal: AbortSignal,
  ): Promise<void> {
    let kind: string | undefined;
    const mending = new Set<Promise<void>>();
    for await (const difference of differences) {
      const next = (difference.expected ?? difference.found)?.kind;
      if (next !== kind) await Promise.all(mending);
      if (mending.size >= MENDED_AT_ONCE) await Promise.race(mending);
      kind = next;
      const one = this.#mend(report, difference, signal).finally(() => mending.delete(one));
      one.catch(() => undefined); // Whoever waits for it is told; it only rejects when the process stops.
      mending.add(one);
    }
    await Promise.all(mending);
  }

  /** A policy that is being carried out, or a snapshot that is being taken in, is a difference that everybody knows of. */
  async #rules(signal: AbortSignal): Promise<RegionRules> {
    const { content, region, isFilling } = this.options;
    if (isFilling()) throw new Postponed('the region is filling itself from a snapshot');
    const [current, enforced] = [await content.policies.current(signal), await content.policies.enforced(signal)];
    if ((current?.seq ?? 0) !== (enforced?.seq ?? 0))
      throw new Postponed('the region is being brought to a new policy');
    return new RegionRules(current?.policy ?? { rules: [] }, region);
  }

  async #mend(report: AntiEntropyReport, difference: Difference, signal: AbortSignal): Promise<void> {
    const { clock, onDifference, onMendError } = this.options;
    let repaired = false;
    try {
      repaired = await withDeadline(signal, MEND_LIMIT_MS, clock, (mending) => this.#mender.mend(difference, mending));
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof DeadlineExceeded)) onMendError(difference, error);
    }
    const { kind, repository } = difference;
    addFinding(report, { kind, repository, name: nameOf(difference), repaired });
    onDifference(difference, repaired);
  }

  async #save(report: AntiEntropyReport, signal: AbortSignal): Promise<void> {
    await this.options.store.put(keys.antiEntropyReport, Buffer.from(JSON.stringify(report)), { signal });
  }
}

/** The region's last comparison, whichever process made it. */
export async function lastAntiEntropy(store: ObjectStore, signal: AbortSignal): Promise<AntiEntropyReport | undefined> {
  const found = await store.read(keys.antiEntropyReport, signal);
  return found === undefined ? undefined : (JSON.parse(Buffer.from(found.bytes).toString()) as AntiEntropyReport);
}
