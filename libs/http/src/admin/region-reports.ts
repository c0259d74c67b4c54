import type { RegionName, RegionRole } from '#libs/geo';
import type { PeerClient, RegionStatus } from '#libs/peer';
import type { LagSummary } from '#libs/replication';
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
  /** Since when nothing was heard of a silent region. */
  readonly silentSince?: string;
  /** Has all that anybody has heard of. A silent region never is: nobody knows what it has (I15). */
  readonly upToDate: boolean;
  /** From the answer to a push until it was there, in the last hour, as this process measured it. */
  readonly presentLag?: LagSummary;
}

type Heard = Omit<RegionReport, 'upToDate' | 'presentLag'>;

/** A region that takes longer is not worth an operator's time; it is named instead. */
export const ANSWER_LIMIT_MS = 2_000;

/** How far every region is, each by its own words. */
export class RegionReports {
  readonly #last = new Map<RegionName, { readonly status: RegionStatus; readonly heardAt: number }>();

  constructor(private readonly options: Pick<AdminOptions, 'status' | 'peers' | 'watch' | 'lag' | 'clock'>) {}

  /** This region first. Never rejects because of a peer. */
  async all(signal: AbortSignal): Promise<readonly RegionReport[]> {
    const { status, peers } = this.options;
    const own = status.current();
    const others = await Promise.all(peers.map((peer) => this.#ask(peer, signal)));
    const here: Heard = { region: own.region, role: own.role, state: 'ok', status: own, ageSeconds: 0 };
    const heard = [here, ...others];
    const head = Math.max(...heard.map(({ status }) => status?.head ?? 0));
    return heard.map((report) => this.#judged(report, head));
  }

  #judged(report: Heard, head: number): RegionReport {
    const { state, status } = report;
    const presentLag = this.options.lag(report.region);
    const whole = status !== undefined && status.watermark >= head && status.oldestPendingMs === undefined;
    return { ...report, upToDate: state === 'ok' && whole, ...(presentLag === undefined ? {} : { presentLag }) };
  }

  /** What is heard anyway need not be asked. */
  async #ask(peer: PeerClient, signal: AbortSignal): Promise<Heard> {
    const { clock, watch } = this.options;
    const listened = watch.find(peer.region);
    if (listened?.status !== undefined && listened.heardMs !== undefined && !listened.silent) {
      const { status, heardMs } = listened;
      this.#last.set(peer.region, { status, heardAt: clock.monotonic() - (clock.now() - heardMs) });
      const ageSeconds = Math.max(0, clock.now() - heardMs) / 1_000;
      return { region: peer.region, role: status.role, state: 'ok', status, ageSeconds };
    }
    try {
      const status = await withDeadline(signal, ANSWER_LIMIT_MS, clock, (limited) => peer.status(limited));
      this.#last.set(peer.region, { status, heardAt: clock.monotonic() });
      return { region: peer.region, role: status.role, state: 'ok', status, ageSeconds: 0 };
    } catch {
      signal.throwIfAborted();
      return this.#silent(peer.region);
    }
  }

  #silent(region: RegionName): Heard {
    const last = this.#last.get(region);
    if (last === undefined) return { region, state: 'silent', ageSeconds: null };
    const { status, heardAt } = last;
    const ageSeconds = (this.options.clock.monotonic() - heardAt) / 1_000;
    const silentSince = new Date(this.options.clock.now() - ageSeconds * 1_000).toISOString();
    return { region, role: status.role, state: 'silent', status, ageSeconds, silentSince };
  }
}
