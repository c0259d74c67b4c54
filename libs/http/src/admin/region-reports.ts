import type { RegionName, RegionRole } from '#libs/geo';
import type { PeerClient, RegionStatus } from '#libs/peer';
import { withDeadline } from '#libs/resilience';
import type { AdminOptions } from './admin-options.js';

/** What a region says of itself; `silent`: it does not answer now, and `status` is what it last said. */
export interface RegionReport {
  readonly region: RegionName;
  readonly role?: RegionRole;
  readonly state: 'ok' | 'silent';
  readonly status?: RegionStatus;
  /** How long ago it said so; `null` if it never said anything to this process. */
  readonly ageSeconds: number | null;
}

/** A region that takes longer is not worth an operator's time; it is named instead. */
export const ANSWER_LIMIT_MS = 2_000;

/** How far every region is, each by its own words. */
export class RegionReports {
  readonly #last = new Map<RegionName, { readonly status: RegionStatus; readonly heardAt: number }>();

  constructor(private readonly options: Pick<AdminOptions, 'status' | 'peers' | 'clock'>) {}

  /** This region first. Never rejects because of a peer. */
  async all(signal: AbortSignal): Promise<readonly RegionReport[]> {
    const { status, peers } = this.options;
    const own = status.current();
    const others = await Promise.all(peers.map((peer) => this.#ask(peer, signal)));
    return [{ region: own.region, role: own.role, state: 'ok', status: own, ageSeconds: 0 }, ...others];
  }

  async #ask(peer: PeerClient, signal: AbortSignal): Promise<RegionReport> {
    const { clock } = this.options;
    try {
      const status = await withDeadline(signal, ANSWER_LIMIT_MS, clock, (limited) => peer.status(limited));
      this.#last.set(peer.region, { status, heardAt: clock.monotonic() });
      return { region: peer.region, role: status.role, state: 'ok', status, ageSeconds: 0 };
    } catch {
      signal.throwIfAborted();
      return this.#silent(peer.region);
    }
  }

  #silent(region: RegionName): RegionReport {
    const last = this.#last.get(region);
    if (last === undefined) return { region, state: 'silent', ageSeconds: null };
    const { status, heardAt } = last;
    const ageSeconds = (this.options.clock.monotonic() - heardAt) / 1_000;
    return { region, role: status.role, state: 'silent', status, ageSeconds };
  }
}
