import { compileGlob, type Glob, type RegionName, RegionRules } from '#libs/geo';
import type { SummarySource } from '#libs/journal';
import { type PeerClient, PeerError } from '#libs/peer';
import type { PlacedPolicy } from '#libs/registry';
import type { Clock } from '#libs/resilience';
import { isStorageError } from '#libs/storage';
import { Comparison } from './comparison.js';
import { nameOf } from './difference.js';
import { addRepository, type RegionVerdict, type RepositoryVerdict, type VerifyReport } from './verify-report.js';

/** How long a region may take to come to where the primary was when it was asked: pushes go on. */
const CATCH_UP_MS = 10_000;
const LOOK_AGAIN_MS = 200;

/** Of a repository's differences, so many are named. */
const MAX_NAMED = 20;

export interface VerificationOptions {
  /** This region, the primary, by its bucket and by nothing that is remembered. */
  readonly primary: SummarySource;
  readonly peers: readonly Pick<PeerClient, 'region' | 'summary' | 'status'>[];
  readonly policy: (signal: AbortSignal) => Promise<PlacedPolicy | undefined>;
  readonly clock: Clock;
}

/** Holds one region beside the primary, and, if that is asked for, lets it read all of its blobs again. */
export class Verification {
  readonly #matches: (repository: string) => boolean;

  constructor(
    private readonly options: VerificationOptions,
    private readonly report: VerifyReport,
    repositories: Glob | undefined,
  ) {
    this.#matches = repositories === undefined ? () => true : compileGlob(repositories);
  }

  /** Puts what it finds into the verdict as it goes. Never rejects but with the signal's reason. */
  async run(verdict: RegionVerdict, signal: AbortSignal): Promise<void> {
    const { clock } = this.options;
    try {
      await this.#judge(verdict, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof PeerError) && !isStorageError(error)) throw error;
      verdict.state = 'unreachable';
      verdict.reason = error.message;
    } finally {
      verdict.finishedMs = clock.now();
    }
  }

  async #judge(verdict: RegionVerdict, signal: AbortSignal): Promise<void> {
    const { primary, policy } = this.options;
    const peer = this.#peer(verdict.region);
    if (peer === undefined) return this.#own(verdict, signal);
    const placed = await policy(signal);
    const behind = await this.#reasonToWait(peer, placed, signal);
    if (behind !== undefined) return void Object.assign(verdict, { state: 'behind', reason: behind });
    const rules = new RegionRules(placed?.policy ?? { rules: [] }, peer.region);
    const comparison = await Comparison.open({ primary, region: peer.summary, rules }, signal);
    verdict.position = comparison.position;
    for await (const { repository, equal } of comparison.all(this.#matches, signal)) {
      verdict.repositories += 1;
      if (equal) continue;
      const found: RepositoryVerdict = { repository, differences: 0, names: [] };
      for await (const difference of comparison.differences(repository, signal)) {
        found.differences += 1;
        if (found.names.length < MAX_NAMED) found.names.push(`${difference.kind}: ${nameOf(difference)}`);
      }
      if (found.differences > 0) addRepository(verdict, found);
    }
    if (this.report.rehash) await this.#rehash(peer.summary, verdict, signal);
    verdict.state = verdict.differing.length > 0 ? 'differs' : comparison.upTo < this.report.seq ? 'behind' : 'equal';
  }

  /** There is nothing to hold the primary beside; its bytes can be read. */
  async #own(verdict: RegionVerdict, signal: AbortSignal): Promise<void> {
    verdict.position = this.report.seq;
    if (this.report.rehash) await this.#rehash(this.options.primary, verdict, signal);
    verdict.state = verdict.differing.length > 0 ? 'differs' : 'equal';
  }

  /** What keeps the region from being what it should be, and is known; `undefined`: nothing. */
  async #reasonToWait(
    peer: VerificationOptions['peers'][number],
    placed: PlacedPolicy | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { clock } = this.options;
    const untilMs = clock.monotonic() + CATCH_UP_MS;
    for (;;) {
      const { bootstrap, policySeq, watermark } = await peer.status(signal);
      if (bootstrap !== undefined) return 'it is filling itself from a snapshot';
      const late = policySeq < (placed?.seq ?? 0);
      if (!late && watermark >= this.report.seq) return undefined;
      if (clock.monotonic() >= untilMs) return late ? 'it is being brought to a new policy' : undefined;
      await clock.sleep(LOOK_AGAIN_MS, signal);
    }
  }

  async #rehash(summary: SummarySource, verdict: RegionVerdict, signal: AbortSignal): Promise<void> {
    for await (const { repository, digest, kind, size, damage } of summary.rehash(this.report.repositories, signal)) {
      verdict.rehashed.blobs += kind === 'blob' ? 1 : 0;
      verdict.rehashed.bytes += size;
      if (damage === undefined) continue;
      addRepository(verdict, { repository, differences: 1, names: [`damaged: ${kind} ${digest}: ${damage}`] });
    }
  }

  #peer(region: RegionName) {
    return this.options.peers.find((peer) => peer.region === region);
  }
}
