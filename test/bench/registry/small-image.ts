import { createHash } from 'node:crypto';
import { Blob } from '../lib/blob.js';
import { type Contender, REPOSITORY } from './field.js';
import type { LoadRequest } from './load.js';
import { imageManifest, MANIFEST } from './manifests.js';

/** Digests of what is asked for. */
export interface SmallImage {
  readonly layer: string;
  readonly manifest: string;
}

export const inRepository = (rest: string) => `/v2/${REPOSITORY}/${rest}`;

/** Pushes an image with one layer of 256 KB, too large to be kept in its record, tagged `latest`. */
export async function pushSmallImage(contender: Contender): Promise<SmallImage> {
  const client = contender.client();
  const [config, layer] = [new Blob(1024), new Blob(256 * 1024)];
  const { json } = imageManifest(config, [layer]);
  await client.push(config);
  await client.push(layer);
  await client.pushManifest(json, 'latest', MANIFEST);
  client.close();
  return { layer: layer.digest, manifest: `sha256:${createHash('sha256').update(json).digest('hex')}` };
}

export function manifestRequest({ manifest }: SmallImage): LoadRequest {
  return { method: 'GET', path: inRepository(`manifests/${manifest}`), headers: { accept: MANIFEST }, status: 200 };
}
