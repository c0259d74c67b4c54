import type { RegionName } from '#libs/geo';
import type { Digest } from '#libs/oci';
import type { ImageName } from '#libs/peer';
import type { RegionWatch } from '#libs/replication';
import { anySignal, type Clock, DeadlineExceeded, withDeadline } from '#libs/resilience';
import type { RegionPresence, RegionPresences } from './region-presences.js';

/** One question to a region lasts this long at most, so that a lost connection costs no more than that. */
const MAX_ROUND_MS = 10_000;

/** A region that has an older image under the tag answers at once. */
const PAUSE_MS = 100;

type Image = ImageName & { readonly digest: Digest };

export interface WaitOptions {
  /** In the order of the answer; each is asked once more when the time is over. */
  readonly regions: readonly RegionName[];
  /** So many of them are enough; without it all. */
  readonly enough?: number;
  /** Whether a region that the policy keeps the image from counts as if it had it. Without it: it never will. */
  readonly excused?: boolean;
  /** Other regions must have applied this entry as well: with it come the tags of a push. */
  readonly seq?: number;
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

export interface WaitOutcome {
  /** Whether as many regions as were asked for have it. */
  readonly enough: boolean;
  readonly regions: readonly RegionPresence[];
  readonly waitedMs: number;
}

/** Waits until regions have exactly one image under its name, by their own evidence. */
export class ImageWait {
  constructor(
    private readonly presences: RegionPresences,
    private readonly watch: RegionWatch,
    private readonly clock: Clock,
  ) {}

  async until(image: Image, options: WaitOptions): Promise<WaitOutcome> {
    const { regions, enough = regions.length, limitMs, signal } = options;
    const begunMs = this.clock.monotonic();
    const satisfied = new AbortController();
    const limited = anySignal([signal, satisfied.signal]);
    const stopListening = options.seq === undefined ? () => undefined : this.watch.use();
    let there = 0;
    const ask = async (region: RegionName): Promise<RegionPresence> => {
      const found = await this.#in(region, image, begunMs + limitMs, { ...options, signal: limited.signal });
      if (found.state === 'present' || (options.excused === true && isKeptAway(found))) there += 1;
      if (there >= enough) satisfied.abort(new Error('enough regions have it'));
      return found;
    };
    try {
      const found = await Promise.all(
        regions.map((region) => ask(region).catch((error) => this.#unasked(region, image, error, satisfied.signal))),
      );
      const waitedMs = Math.round(this.clock.monotonic() - begunMs);
      return { enough: there >= enough, regions: found, waitedMs };
    } finally {
      limited.release();
      stopListening();
    }
  }

  /** Once enough regions have it, the others are not waited for. */
  #unasked(region: RegionName, image: Image, error: unknown, satisfied: AbortSignal): RegionPresence {
    if (!satisfied.aborted) throw error;
    return this.presences.unasked(region, image);
  }

  async #in(region: RegionName, image: Image, endMs: number, options: WaitOptions): Promise<RegionPresence> {
    const { signal } = options;
    const leftMs = Math.max(0, endMs - this.clock.monotonic());
    try {
      return await withDeadline(signal, leftMs, this.clock, (limited) =>
        this.#rounds(region, image, endMs, { ...options, signal: limited }),
      );
    } catch (error) {
      if (!(error instanceof DeadlineExceeded)) throw error;
      return this.#asMeant(await this.presences.in(region, image, 0, signal), image, options);
    }
  }

  async #rounds(region: RegionName, image: Image, endMs: number, options: WaitOptions): Promise<RegionPresence> {
    const { seq, signal } = options;
    for (;;) {
      if (seq !== undefined) await this.#untilApplied(region, seq, signal);
      const leftMs = Math.max(0, Math.floor(endMs - this.clock.monotonic()));
      const found = await this.presences.in(region, image, Math.min(MAX_ROUND_MS, leftMs), signal);
      const meant = this.#asMeant(found, image, options);
      if (meant.state === 'present' || isKeptAway(meant)) return meant;
      await this.clock.sleep(PAUSE_MS, signal);
    }
  }

  /** Another image under the same tag, or a manifest that came without its tag, is not what is waited for. */
  #asMeant(found: RegionPresence, image: Image, { seq }: WaitOptions): RegionPresence {
    if (found.state !== 'present') return found;
    const applied = seq === undefined || this.#isApplied(found.region, seq);
    return found.digest === image.digest && applied ? found : { ...found, state: 'pending' };
  }

  async #untilApplied(region: RegionName, seq: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      const { version } = this.watch.changed;
      if (this.#isApplied(region, seq)) return;
      await this.watch.changed.waitFor(version, { limitMs: MAX_ROUND_MS, clock: this.clock, signal });
    }
  }

  /** This region has applied what it answered. */
  #isApplied(region: RegionName, seq: number): boolean {
    return region === this.presences.own || this.watch.applied(region, seq);
  }
}

/** By a rule of the policy: no waiting changes that. */
export function isKeptAway({ state }: RegionPresence): boolean {
  return state === 'excluded' || state === 'on-demand';
}
