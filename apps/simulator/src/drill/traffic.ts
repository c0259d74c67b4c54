import { anySignal, type Clock, withDeadline } from '#libs/resilience';
import type { RegistryClient } from '../demo/registry-client.js';
import type { ImageBuilder, MeasuredImage } from '../measure/measured-image.js';
import { pushMeasured } from '../measure/place-image.js';
import { pullTimed } from '../measure/timed-pull.js';
import { messageOf } from '../problem.js';
import type { Source, Target, TargetRegion } from '../target/target.js';
import type { Attempt } from './attempt.js';

export const REPOSITORY = 'drill/traffic';

const BETWEEN_PULLS_MS = 100;
const BETWEEN_PUSHES_MS = 250;
/** A client that waits longer has failed, whatever comes then. */
const ATTEMPT_LIMIT_MS = 15_000;

export interface TrafficContext {
  readonly target: Target;
  readonly images: ImageBuilder;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Clients in every region that pull and, in the primary's, push: again and again, each time with connections of their own. */
export class Traffic {
  readonly attempts: Attempt[] = [];
  /** Those whose push was acknowledged. */
  readonly pushed: MeasuredImage[] = [];
  readonly #stopping = new AbortController();
  #running: Promise<unknown> = Promise.resolve();
  #count = 0;

  constructor(private readonly context: TrafficContext) {}

  /** Pushes what will be pulled, and begins. */
  async start(): Promise<MeasuredImage> {
    const image = await this.#pushNext(this.context.signal);
    const { regions } = this.context.target;
    const pullers = regions.flatMap((region) =>
      (['router', 'replica'] as const).map((source) =>
        this.#repeat(BETWEEN_PULLS_MS, () => this.#pull(region, source, image)),
      ),
    );
    this.#running = Promise.all([...pullers, this.#repeat(BETWEEN_PUSHES_MS, () => this.#push())]);
    return image;
  }

  /** Attempts under way are ended well, and are counted. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('enough'));
    await this.#running;
  }

  pulls(region: string, source: Source): readonly Attempt[] {
    return this.attempts.filter((each) => each.kind === 'pull' && each.region === region && each.source === source);
  }

  get pushes(): readonly Attempt[] {
    return this.attempts.filter(({ kind }) => kind === 'push');
  }

  async #repeat(pauseMs: number, work: () => Promise<void>): Promise<void> {
    const { clock, signal } = this.context;
    const stopping = anySignal([signal, this.#stopping.signal]);
    while (!stopping.signal.aborted) {
      await work();
      await clock.sleep(pauseMs, stopping.signal).catch(() => undefined);
    }
    stopping.release();
  }

  async #pull(region: TargetRegion, source: Source, { tag }: MeasuredImage): Promise<void> {
    const client = region.connect(source);
    await this.#attempt({ kind: 'pull', region: region.name, source }, async (signal) => {
      const pull = await pullTimed(
        { client, repository: REPOSITORY, tag, regionOf: region.regionOf },
        this.context.clock,
        signal,
      );
      return pull.servedBy;
    });
    await client.close();
  }

  #push(): Promise<void> {
    const { primary } = this.context.target;
    return this.#attempt({ kind: 'push', region: primary.name, source: 'router' }, async (signal) => {
      await this.#pushNext(signal);
      return [];
    });
  }

  async #pushNext(signal: AbortSignal): Promise<MeasuredImage> {
    const { target, images } = this.context;
    this.#count += 1;
    const image = await images.build('small', `t${this.#count}`, signal);
    await pushMeasured(target, REPOSITORY, image, () => undefined, signal);
    this.pushed.push(image);
    return image;
  }

  async #attempt(
    what: Pick<Attempt, 'kind' | 'region' | 'source'>,
    work: (signal: AbortSignal) => Promise<readonly string[]>,
  ): Promise<void> {
    const { clock, signal } = this.context;
    const startMs = clock.monotonic();
    try {
      const servedBy = await withDeadline(signal, ATTEMPT_LIMIT_MS, clock, work);
      this.attempts.push({ ...what, startMs, endMs: clock.monotonic(), servedBy });
    } catch (error) {
      if (signal.aborted) return;
      this.attempts.push({ ...what, startMs, endMs: clock.monotonic(), servedBy: [], failure: messageOf(error) });
    }
  }
}

/** What a region shows under a tag: a digest, or nothing when it is another one or none. */
export async function showsImage(
  client: RegistryClient,
  repository: string,
  { tag, manifest }: MeasuredImage,
  signal: AbortSignal,
): Promise<boolean> {
  const accept = manifest.mediaType;
  const answer = await client.send(
    { method: 'HEAD', target: `/v2/${repository}/manifests/${tag}`, headers: { accept } },
    signal,
  );
  await answer.body.dump();
  return answer.headers['docker-content-digest'] === manifest.digest;
}
