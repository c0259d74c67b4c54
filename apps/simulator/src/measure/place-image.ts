import { type Clock, Limiter } from '#libs/resilience';
import { type Arrival, type Presence, waitUntilPresent } from '../demo/presence.js';
import { pushBlob, pushManifest } from '../demo/push-image.js';
import type { Target } from '../target/target.js';
import type { MeasuredImage } from './measured-image.js';

/** As docker does. */
const UPLOADS_AT_ONCE = 3;

/** Pushes through the router, as a client in the primary's region. `onBytes` hears what was handed to the network. */
export async function pushMeasured(
  target: Target,
  repository: string,
  image: MeasuredImage,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const client = target.primary.connect('router');
  const limiter = new Limiter(UPLOADS_AT_ONCE);
  try {
    await Promise.all(
      image.blobs.map((blob) => limiter.run(signal, () => pushBlob(client, repository, blob, onBytes, signal))),
    );
    await pushManifest(client, repository, { reference: image.tag, ...image.manifest }, signal);
  } finally {
    await client.close();
  }
}

/** @returns when it was present in each region, counted from now */
export function waitForMeasured(
  target: Target,
  repository: string,
  image: MeasuredImage,
  onChange: (presences: readonly Presence[]) => void,
  clock: Clock,
  signal: AbortSignal,
): Promise<readonly Arrival[]> {
  return waitUntilPresent(
    target.admin,
    { repository, reference: image.manifest.digest },
    target.regions.map(({ name }) => name),
    onChange,
    clock,
    signal,
  );
}

export function describeArrivals(presences: readonly Presence[]): string {
  if (presences.length === 0) return 'asking the regions';
  return presences.map(describePresence).join(' · ');
}

function describePresence({ region, state, bytes }: Presence): string {
  if (state !== 'copying' || bytes === undefined || bytes.total === 0) return `${region} ${state}`;
  return `${region} ${Math.floor((100 * bytes.done) / bytes.total)} %`;
}
