import { randomBytes } from 'node:crypto';
import { tarOfOneFile } from '../support/image.js';
import { docker } from './docker.js';
import { PRIMARY, ROUTER } from './places.js';

const IMAGE_BYTES = 8 * 1024 * 1024;

export const REPOSITORY = 'test/compose';

/** Pushes a new image of one layer through the router, with Docker, and leaves nothing of it in the engine. */
export async function pushNoise(tag: string, signal: AbortSignal): Promise<void> {
  const image = `${ROUTER}/${REPOSITORY}:${tag}`;
  await docker(['import', '-', image], signal, { input: tarOfOneFile(randomBytes(IMAGE_BYTES)) });
  await docker(['push', '-q', image], signal);
  await forgetImage(image, signal);
}

/** By its id: a digest that it was pushed or pulled by keeps an image that has no tag any more. */
export async function forgetImage(image: string, signal: AbortSignal): Promise<void> {
  const id = await docker(['image', 'inspect', '--format', '{{.Id}}', image], signal);
  await docker(['rmi', '-f', id.trim()], signal);
}

/** Asks the primary until the image is in all regions. */
export async function waitUntilEverywhere(
  repository: string,
  reference: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const query = new URLSearchParams({ repository, reference, timeoutSeconds: '120' });
  const answer = await fetch(`${PRIMARY.operators}/admin/v1/wait?${query}`, { signal });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`waiting for ${repository}:${reference}: ${answer.status} ${text}`);
  const { regions } = JSON.parse(text) as { regions: readonly { region: string; state: string }[] };
  return regions.map(({ region, state }) => `${region} ${state}`).toSorted();
}
