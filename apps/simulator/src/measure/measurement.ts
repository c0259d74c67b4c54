import type { Clock, Random } from '#libs/resilience';
import { withDeadline } from '#libs/resilience';
import type { RegistryClient } from '../demo/registry-client.js';
import { messageOf } from '../problem.js';
import { SOURCES, type Source, type Target, type TargetRegion } from '../target/target.js';
import type { SizeName } from './image-sizes.js';
import { ImageBuilder, type MeasuredImage } from './measured-image.js';
import { describeArrivals, pushMeasured, waitForMeasured } from './place-image.js';
import type { Sample, Scenario } from './sample.js';
import { pullTimed } from './timed-pull.js';

export interface Extent {
  readonly sizes: readonly SizeName[];
  readonly scale: number;
  /** Warm pulls of each kind. */
  readonly repeats: Readonly<Record<SizeName, number>>;
  /** Pushes for each kind of cold pull. */
  readonly rounds: Readonly<Record<SizeName, number>>;
  /** Whether regions are taken down, where they can be. */
  readonly faults: boolean;
}

/** An image reached a region, that long after its push was answered. */
export interface ArrivalSample {
  readonly size: SizeName;
  readonly region: string;
  readonly afterMs: number;
}

export interface MeasurementContext {
  readonly target: Target;
  readonly extent: Extent;
  readonly clock: Clock;
  readonly random: Random;
  /** Hears what is going on now. */
  readonly onProgress: (what: string) => void;
  readonly signal: AbortSignal;
}

/** One pull may take as long as the largest image on a slow line does, and no longer. */
const PULL_LIMIT_MS = 300_000;

/** What was seen so far, and the steps of which every scenario is made. */
export class Measurement {
  readonly samples: Sample[] = [];
  readonly arrivals: ArrivalSample[] = [];
  readonly imageBytes = new Map<SizeName, { readonly bytes: number; readonly layers: number }>();
  readonly #images: ImageBuilder;
  #generation = 0;

  constructor(readonly context: MeasurementContext) {
    this.#images = new ImageBuilder(context.extent.scale, context.clock, context.random);
  }

  /** A name for images that share their base and nothing else with any other. */
  nextGeneration(): string {
    this.#generation += 1;
    return `g${this.#generation}`;
  }

  async push(size: SizeName, generation: string): Promise<MeasuredImage> {
    const { target, onProgress, signal } = this.context;
    onProgress(`${size}: making an image`);
    const image = await this.#images.build(size, generation, signal);
    this.imageBytes.set(size, { bytes: image.bytes, layers: image.blobs.length - 1 });
    let sent = 0;
    const onBytes = (bytes: number): void => {
      sent += bytes;
      onProgress(`${size}: pushing, ${Math.floor((100 * sent) / image.bytes)} %`);
    };
    await pushMeasured(target, repositoryOf(size), image, onBytes, signal);
    return image;
  }

  /** Resolves when it is everywhere; called as soon as its push was answered. `timed`: where the time counts. */
  async awaitArrival(image: MeasuredImage, timed: readonly TargetRegion[]): Promise<void> {
    const { target, clock, onProgress, signal } = this.context;
    const arrivals = await waitForMeasured(
      target,
      repositoryOf(image.size),
      image,
      (presences) => onProgress(`${image.size}: replicating, ${describeArrivals(presences)}`),
      clock,
      signal,
    );
    for (const { region, afterMs } of arrivals)
      if (region !== target.primary.name && timed.some(({ name }) => name === region))
        this.arrivals.push({ size: image.size, region, afterMs });
  }

  /** Pulls with a client of its own, and keeps what that took. */
  async pullAnew(scenario: Scenario, image: MeasuredImage, region: TargetRegion, source: Source): Promise<void> {
    const client = region.connect(source);
    try {
      await this.pull(client, scenario, image, region, source);
    } finally {
      await client.close();
    }
  }

  async pull(
    client: RegistryClient,
    scenario: Scenario,
    image: MeasuredImage,
    region: TargetRegion,
    source: Source,
  ): Promise<void> {
    this.context.onProgress(`${image.size}, ${scenario}: pulling in ${region.name} from the ${source}`);
    this.samples.push(
      await this.#try(client, { scenario, size: image.size, region: region.name, source }, image, region),
    );
  }

  async #try(
    client: RegistryClient,
    circumstances: Pick<Sample, 'scenario' | 'size' | 'region' | 'source'>,
    image: MeasuredImage,
    region: TargetRegion,
  ): Promise<Sample> {
    try {
      return { ...circumstances, pull: await this.pullUnmeasured(client, image, region) };
    } catch (error) {
      this.context.signal.throwIfAborted();
      return { ...circumstances, pull: undefined, failure: messageOf(error) };
    }
  }

  /** A pull that is not kept. @throws whatever went wrong */
  async pullUnmeasured(client: RegistryClient, { size, tag }: MeasuredImage, { regionOf }: TargetRegion) {
    const { clock, signal } = this.context;
    return withDeadline(signal, PULL_LIMIT_MS, clock, (limited) =>
      pullTimed({ client, repository: repositoryOf(size), tag, regionOf }, clock, limited),
    );
  }
}

export const repositoryOf = (size: SizeName): string => `simulation/${size}`;

/** The primary's clients have no other replica than the primary itself. */
export function sourcesFor({ role }: TargetRegion): readonly Source[] {
  return role === 'primary' ? SOURCES.filter((source) => source !== 'replica') : SOURCES;
}
