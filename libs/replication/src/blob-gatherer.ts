import type { BlobDescriptor } from '#libs/oci';
import { MOST_FEW_BLOBS, type PeerClient } from '#libs/peer';
import { type Clock, onAbort } from '#libs/resilience';

/** What one request asks for at the most. */
const MOST_BYTES = 1024 * 1024;

/**
 * The next request waits so long for each that is under way, for more to ask for: none for the first ones, and where many
 * blobs come at once it finds by itself how many to ask for together, so that nobody waits for a good part of a round trip.
 */
const SPACING_MS = 3;
const LONGEST_PAUSE_MS = 30;

interface Asked {
  readonly blob: BlobDescriptor;
  /** @returns whether somebody still wants to know */
  readonly isWanted: () => boolean;
  readonly tell: (bytes: Uint8Array | undefined) => void;
}

/** Asks a region for small blobs, those together that are wanted at about the same time. */
export class BlobGatherer {
  readonly #waiting: Asked[] = [];
  readonly #requests = new Set<{ readonly asked: readonly Asked[]; readonly ended: AbortController }>();
  readonly #never = new AbortController().signal;
  #begunMs = Number.NEGATIVE_INFINITY;
  #beginning = false;

  constructor(
    private readonly fewBlobs: NonNullable<PeerClient['fewBlobs']>,
    private readonly clock: Clock,
  ) {}

  /** What the region sent, unchecked; `undefined` if it did not, for whatever reason: asked for by itself, it says why. */
  bytes(blob: BlobDescriptor, signal: AbortSignal): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      let wanted = true;
      const stop = onAbort(signal, () => {
        wanted = false;
        reject(signal.reason);
        this.#endUnwanted();
      });
      const tell = (bytes: Uint8Array | undefined): void => {
        wanted = false;
        stop();
        resolve(bytes);
      };
      this.#waiting.push({ blob, isWanted: () => wanted, tell });
      if (!this.#beginning) void this.#beginAll();
    });
  }

  async #beginAll(): Promise<void> {
    this.#beginning = true;
    while (this.#waiting.length > 0) {
      const pauseMs = Math.min(LONGEST_PAUSE_MS, SPACING_MS * this.#requests.size);
      const leftMs = this.#begunMs + pauseMs - this.clock.monotonic();
      if (leftMs > 0 && !this.#isFull) await this.clock.sleep(leftMs, this.#never);
      // What is asked for in the same breath goes together in any case.
      else await Promise.resolve();
      const asked = this.#take();
      this.#begunMs = this.clock.monotonic();
      if (asked.length > 0) void this.#request(asked);
    }
    this.#beginning = false;
  }

  get #isFull(): boolean {
    return this.#waiting.length >= MOST_FEW_BLOBS;
  }

  #take(): readonly Asked[] {
    const asked: Asked[] = [];
    for (let bytes = 0; asked.length < MOST_FEW_BLOBS; ) {
      const [next] = this.#waiting;
      if (next === undefined || (asked.length > 0 && bytes + next.blob.size > MOST_BYTES)) break;
      this.#waiting.shift();
      if (!next.isWanted()) continue;
      asked.push(next);
      bytes += next.blob.size;
    }
    return asked;
  }

  async #request(asked: readonly Asked[]): Promise<void> {
    const request = { asked, ended: new AbortController() };
    this.#requests.add(request);
    const left = [...asked];
    try {
      const blobs = asked.map(({ blob }) => blob);
      for await (const bytes of this.fewBlobs(blobs, request.ended.signal)) left.shift()?.tell(bytes);
    } catch {
      // Each of them is asked for by itself now, and that says what is wrong. What came whole is not asked for again.
    } finally {
      this.#requests.delete(request);
      for (const { tell } of left) tell(undefined);
    }
  }

  #endUnwanted(): void {
    for (const { asked, ended } of this.#requests) {
      if (!asked.some(({ isWanted }) => isWanted())) ended.abort(new Error('nobody wants any of it any more'));
    }
  }
}
