import type { RegionName } from '#libs/geo';
import type { BlobDescriptor, Digest } from '#libs/oci';
import { type ImageName, type ImagePresence, type PeerClient, PeerError, type PresenceSource } from '#libs/peer';
import type { RegionContent } from '#libs/registry';
import { type Clock, Notifier } from '#libs/resilience';
import { type ClosureManifest, closureOf } from './closure.js';
import type { Residency } from './selection.js';

/** While somebody waits, how often the store is looked at when no message says that something changed. */
const LOOK_AGAIN_MS = 250;

const NEVER_CHANGED = new Notifier();

export interface LocalPresenceOptions {
  readonly region: RegionName;
  readonly content: RegionContent;
  /** The primary, for what an image needs that has not arrived; not at the primary itself. */
  readonly origin: PeerClient | undefined;
  /** What the policy keeps out of the region, at a replica. */
  readonly residency?: Pick<Residency, 'refusal' | 'decide'>;
  readonly clock: Clock;
  /** Tells that something was applied here; without it the store is only looked at again after a while. */
  readonly changed?: Notifier;
  /** Bytes of a blob that is being copied just now. */
  readonly bytesInFlight: (digest: Digest) => number;
  /** Why blobs could not be had so far, each reason beginning with a digest; without it nothing ever failed. */
  readonly failures?: () => readonly { readonly reason: string }[];
}

/** What this region has of an image, found by looking into its store: never a queue's opinion. */
export class LocalPresence implements PresenceSource {
  constructor(private readonly options: LocalPresenceOptions) {}

  async presence(
    image: ImageName,
    { waitMs, signal }: { readonly waitMs: number; readonly signal: AbortSignal },
  ): Promise<ImagePresence> {
    const { clock, changed = NEVER_CHANGED } = this.options;
    const until = clock.monotonic() + waitMs;
    for (;;) {
      const { version } = changed;
      const found = await this.#look(image, signal);
      const leftMs = until - clock.monotonic();
      if (isFinal(found) || leftMs <= 0) return found;
      await changed.waitFor(version, { limitMs: Math.min(LOOK_AGAIN_MS, leftMs), clock, signal });
    }
  }

  async #look(image: ImageName, signal: AbortSignal): Promise<ImagePresence> {
    const { content, origin, residency } = this.options;
    const tag = image.reference.kind === 'tag' ? image.reference.tag : undefined;
    if (residency?.refusal(image.repository, tag) !== undefined) return this.#say(image, { state: 'excluded' });
    try {
      const digest = await this.#resolve(image, signal);
      if (digest === undefined) return this.#say(image, { state: 'unknown' });
      const closure = await closureOf(content, origin, image.repository, digest, signal);
      const found = await this.#judge(image, digest, closure, signal);
      const onDemand = residency?.decide(image.repository, tag)?.action === 'on-demand';
      return onDemand && found.state !== 'present' ? { ...found, state: 'on-demand' } : found;
    } catch (error) {
      // What is not here and cannot be asked for: nothing is known of it.
      if (error instanceof PeerError) return this.#say(image, { state: 'unknown' });
      throw error;
    }
  }

  /** What the reference means: here if this region has the tag, else at the primary. */
  async #resolve({ repository, reference }: ImageName, signal: AbortSignal): Promise<Digest | undefined> {
    const { content, origin } = this.options;
    if (reference.kind === 'digest') return reference.digest;
    const here = await content.tags.get(repository, reference.tag, signal);
    return here?.value ?? (await origin?.findManifest(repository, reference, signal))?.digest;
  }

  async #judge(
    image: ImageName,
    digest: Digest,
    closure: readonly ClosureManifest[],
    signal: AbortSignal,
  ): Promise<ImagePresence> {
    const { content, bytesInFlight } = this.options;
    if (closure.every((manifest) => !manifest.here && manifest.size === 0)) {
      return this.#say(image, { state: 'unknown', digest });
    }
    const blobs = new Map(closure.flatMap((manifest) => manifest.blobs).map((blob) => [blob.digest, blob]));
    const missing: BlobDescriptor[] = [];
    let sinceMs = 0;
    for (const blob of blobs.values()) {
      const record = await content.blobs.stat(blob.digest, signal);
      if (record === undefined) missing.push(blob);
      else sinceMs = Math.max(sinceMs, record.verifiedMs);
    }
    const manifestsMissing = closure.filter((manifest) => !manifest.here);
    const total = sum([...blobs.values(), ...closure]);
    const flying = missing.reduce((bytes, blob) => bytes + Math.min(blob.size, bytesInFlight(blob.digest)), 0);
    const done = total - sum([...missing, ...manifestsMissing]) + flying;
    const whole = missing.length === 0 && manifestsMissing.length === 0;
    const reason = this.#whyNot(missing);
    return this.#say(image, {
      state: whole ? 'present' : reason !== undefined ? 'failed' : done > 0 ? 'copying' : 'pending',
      digest,
      ...(whole && sinceMs > 0 ? { sinceMs } : {}),
      ...(reason === undefined ? {} : { reason }),
      bytes: { done, total },
      missing: [...manifestsMissing, ...missing].map((item) => item.digest),
    });
  }

  #whyNot(missing: readonly BlobDescriptor[]): string | undefined {
    const failures = this.options.failures?.() ?? [];
    return failures.find(({ reason }) => missing.some(({ digest }) => reason.startsWith(digest)))?.reason;
  }

  #say({ repository }: ImageName, found: Partial<ImagePresence> & Pick<ImagePresence, 'state'>): ImagePresence {
    const { region, clock } = this.options;
    return { region, repository, bytes: { done: 0, total: 0 }, missing: [], timeMs: clock.now(), ...found };
  }
}

/** Nothing more will come by itself. */
function isFinal({ state }: ImagePresence): boolean {
  return state === 'present' || state === 'excluded' || state === 'on-demand';
}

function sum(items: readonly { readonly size: number }[]): number {
  return items.reduce((bytes, item) => bytes + item.size, 0);
}
