import { withDeadline } from '#libs/resilience';
import type { Faults } from '../target/faults.js';
import type { TargetRegion } from '../target/target.js';
import type { MeasuredImage } from './measured-image.js';
import { type Measurement, sourcesFor } from './measurement.js';

/** Everything, size by size; large images share the base of the medium ones before them. */
export async function measureAll(measurement: Measurement): Promise<void> {
  const { extent, target } = measurement.context;
  const generation = measurement.nextGeneration();
  const images: MeasuredImage[] = [];
  for (const size of extent.sizes) {
    const image = await measurement.push(size, generation);
    images.push(image);
    await measurement.awaitArrival(image, target.regions);
    await measureWarm(measurement, image);
  }
  const rounds = Math.max(0, ...extent.sizes.map((size) => extent.rounds[size]));
  for (let round = 0; round < rounds; round += 1) await measureFresh(measurement, round);
  if (extent.faults && target.faults !== undefined) await measureRegionsDown(measurement, images, target.faults);
}

/** One pull after the other: they would share the same lines. */
async function measureWarm(measurement: Measurement, image: MeasuredImage): Promise<void> {
  const { target, extent } = measurement.context;
  for (const region of target.regions) {
    for (const source of sourcesFor(region)) {
      const client = region.connect(source);
      try {
        measurement.context.onProgress(`${image.size}: warming up in ${region.name} from the ${source}`);
        await measurement.pullUnmeasured(client, image, region);
        for (let count = 0; count < extent.repeats[image.size]; count += 1)
          await measurement.pull(client, 'warm', image, region, source);
      } finally {
        await client.close();
      }
    }
  }
}

/**
 * One region and one source in turn begin to pull as soon as a push is answered. The others pull that image later, when it
 * has arrived: for them it is cold.
 */
async function measureFresh(measurement: Measurement, round: number): Promise<void> {
  const { target, extent } = measurement.context;
  const replicas = target.regions.filter(({ role }) => role === 'replica');
  for (const racing of replicas) {
    for (const source of sourcesFor(racing)) {
      const generation = measurement.nextGeneration();
      for (const size of extent.sizes) {
        if (round >= extent.rounds[size]) continue;
        const image = await measurement.push(size, generation);
        // Where it is pulled meanwhile, it arrives later than it would by itself.
        const undisturbed = replicas.filter((region) => region !== racing);
        await Promise.all([
          measurement.awaitArrival(image, undisturbed),
          measurement.pullAnew('replicating', image, racing, source),
        ]);
        for (const region of target.regions)
          if (region !== racing && sourcesFor(region).includes(source))
            await measurement.pullAnew('cold', image, region, source);
      }
    }
  }
}

/** Every one of them crosses a line, whole. */
const SHARE_WHILE_DOWN = 1 / 4;

/** From the first answer that comes from elsewhere on. */
async function measureRegionsDown(
  measurement: Measurement,
  images: readonly MeasuredImage[],
  faults: Faults,
): Promise<void> {
  const { target, extent, signal, onProgress } = measurement.context;
  for (const region of target.regions) {
    onProgress(`taking ${region.name} down`);
    await faults.stopRegion(region.name, signal);
    try {
      await untilServed(measurement, images, region, (servedBy) => !servedBy.includes(region.name));
      for (const image of images)
        for (let count = 0; count < extent.repeats[image.size] * SHARE_WHILE_DOWN; count += 1)
          await measurement.pullAnew('region-down', image, region, 'router');
    } finally {
      await faults.startRegion(region.name, signal);
    }
    await untilServed(measurement, images, region, (servedBy) => servedBy.includes(region.name));
  }
}

const SERVED_LIMIT_MS = 90_000;
const BETWEEN_TRIES_MS = 250;

/** Until a client there is served as wanted, seen by the first and smallest of the images. */
async function untilServed(
  measurement: Measurement,
  [image]: readonly MeasuredImage[],
  region: TargetRegion,
  isWanted: (servedBy: readonly string[]) => boolean,
): Promise<void> {
  if (image === undefined) return;
  const { clock, signal, onProgress } = measurement.context;
  onProgress(`waiting until clients in ${region.name} are sent where they should be`);
  await withDeadline(signal, SERVED_LIMIT_MS, clock, async (limited) => {
    while (true) {
      const client = region.connect('router');
      const pull = await measurement.pullUnmeasured(client, image, region).catch(() => undefined);
      await client.close();
      if (pull !== undefined && isWanted(pull.servedBy)) return;
      await clock.sleep(BETWEEN_TRIES_MS, limited);
    }
  });
}
