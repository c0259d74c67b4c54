import type { RegionName, RegionRole } from '#libs/geo';
import { type ControlChange, type FailedCopyReport, PeerError, type RegionSteering } from '#libs/peer';
import { AdminRefusal } from './admin-refusal.js';

export interface SteeringOptions {
  readonly region: RegionName;
  readonly role: RegionRole;
  readonly primary: RegionName;
  /** This region's; nothing is copied into the primary. */
  readonly own: RegionSteering;
  /** All other regions, for the primary's operators. */
  readonly others: ReadonlyMap<RegionName, RegionSteering>;
}

/** What was set aside in a region; `silent`: it did not answer. */
export interface RegionFailures {
  readonly region: RegionName;
  readonly failed?: readonly FailedCopyReport[];
  readonly silent?: true;
}

/** Whose replication can be steered from here: of all replicas at the primary, else the region's own. */
export class RegionSteerings {
  readonly #known: ReadonlyMap<string, RegionSteering>;

  constructor(private readonly options: SteeringOptions) {
    const { role, region, own, others } = options;
    this.#known = role === 'primary' ? others : new Map([[region, own]]);
  }

  /** @throws AdminRefusal 400 · 404 · 409 · 503 */
  async ask<T>(name: unknown, question: (steering: RegionSteering) => Promise<T>): Promise<T> {
    const steering = this.#find(name);
    try {
      return await question(steering);
    } catch (cause) {
      if (cause instanceof PeerError)
        throw new AdminRefusal(503, `${name} does not answer: ${cause.message}`, { cause });
      throw cause;
    }
  }

  /** Of all that can be asked here, or of one. */
  async failed(name: unknown, signal: AbortSignal): Promise<readonly RegionFailures[]> {
    return this.#each(name, async (region, steering) => ({ region, failed: await steering.failed(signal) }));
  }

  /** Of a region that does not answer nothing is tried again: it has to be asked once more. */
  async retry(name: unknown, change: ControlChange, signal: AbortSignal): Promise<readonly object[]> {
    return this.#each(name, async (region, steering) => {
      await steering.change(change, signal);
      return { region };
    });
  }

  async #each<T>(
    name: unknown,
    question: (region: RegionName, steering: RegionSteering) => Promise<T>,
  ): Promise<readonly (T | { readonly region: RegionName; readonly silent: true })[]> {
    if (name !== undefined) this.#find(name);
    const asked = [...this.#known].filter(([region]) => name === undefined || region === name);
    const ask = async ([region, steering]: readonly [string, RegionSteering]) => {
      try {
        return await question(region as RegionName, steering);
      } catch (error) {
        if (!(error instanceof PeerError)) throw error;
        return { region: region as RegionName, silent: true as const };
      }
    };
    return Promise.all(asked.map(ask));
  }

  #find(name: unknown): RegionSteering {
    const { region, role, primary, others } = this.options;
    const found = this.#known.get(String(name));
    if (found !== undefined) return found;
    if (name === primary) throw new AdminRefusal(409, `${primary} is the primary: nothing is copied into it`);
    const known = String(name) === region || [...others.keys()].some((other) => other === name);
    if (!known) throw new AdminRefusal(404, `no such region: ${name}`);
    throw new AdminRefusal(
      409,
      `${name} is steered there, or at the primary, ${role === 'primary' ? region : primary}`,
    );
  }
}
