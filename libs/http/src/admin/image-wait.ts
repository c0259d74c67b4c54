import type { RegionName } from '#libs/geo';
import type { Digest } from '#libs/oci';
import type { ImageName } from '#libs/peer';
import { type Clock, DeadlineExceeded, withDeadline } from '#libs/resilience';
import type { RegionPresence, RegionPresences } from './region-presences.js';

/** One question to a region lasts this long at most, so that a lost connection costs no more than that. */
const MAX_ROUND_MS = 10_000;

/** A region that has an older image under the tag answers at once. */
const PAUSE_MS = 100;

export interface WaitOutcome {
  /** Whether every region has it. */
  readonly everywhere: boolean;
  readonly regions: readonly RegionPresence[];
  readonly waitedMs: number;
}

/** Waits until regions have exactly one image under its name, by their own evidence. */
export class ImageWait {
  constructor(
    private readonly presences: RegionPresences,
    private readonly clock: Clock,
  ) {}

  /** `regions` in the order of the answer; each is asked once more when the time is over. */
  async until(
    image: ImageName & { readonly digest: Digest },
    options: { readonly regions: readonly RegionName[]; readonly limitMs: number; readonly signal: AbortSignal },
  ): Promise<WaitOutcome> {
    const { regions, limitMs, signal } = options;
    const begunMs = this.clock.monotonic();
    const endMs = begunMs + limitMs;
    const found = await Promise.all(regions.map((region) => this.#in(region, image, endMs, signal)));
    return {
      everywhere: found.every((presence) => isThere(presence, image.digest)),
      regions: found,
      waitedMs: Math.round(this.clock.monotonic() - begunMs),
    };
  }

  async #in(
    region: RegionName,
    image: ImageName & { readonly digest: Digest },
    endMs: number,
    signal: AbortSignal,
  ): Promise<RegionPresence> {
    const leftMs = Math.max(0, endMs - this.clock.monotonic());
    try {
      return await withDeadline(signal, leftMs, this.clock, (limited) => this.#rounds(region, image, endMs, limited));
    } catch (error) {
      if (!(error instanceof DeadlineExceeded)) throw error;
      return this.presences.in(region, image, 0, signal);
    }
  }

  async #rounds(
    region: RegionName,
    image: ImageName & { readonly digest: Digest },
    endMs: number,
    signal: AbortSignal,
  ): Promise<RegionPresence> {
    for (;;) {
      const leftMs = Math.max(0, Math.floor(endMs - this.clock.monotonic()));
      const found = await this.presences.in(region, image, Math.min(MAX_ROUND_MS, leftMs), signal);
      if (isThere(found, image.digest)) return found;
      await this.clock.sleep(PAUSE_MS, signal);
    }
  }
}

function isThere({ state, digest }: RegionPresence, expected: Digest): boolean {
  return state === 'present' && digest === expected;
}
