import { type Digest, digestOf, MEDIA_TYPES } from '#libs/oci';
import { ask } from './test-client.js';

export const TEN_BYTES = Buffer.from('0123456789');
export const TEN_DIGEST = digestOf(TEN_BYTES);
export const EMPTY_DIGEST = digestOf('');

/** A manifest whose one layer, and config, are the given blob. */
export function manifestOf(digest: Digest, size: number, more: object = {}): string {
  const descriptor = (mediaType: string) => ({ mediaType, digest, size });
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    config: descriptor(MEDIA_TYPES.ociConfig),
    layers: [descriptor(MEDIA_TYPES.ociLayer)],
    ...more,
  });
}

export const MANIFEST = manifestOf(TEN_DIGEST, TEN_BYTES.length);
export const MANIFEST_DIGEST = digestOf(MANIFEST);

export async function putBlob(origin: string, repository: string, bytes: Uint8Array): Promise<void> {
  const path = `/v2/${repository}/blobs/uploads/?digest=${digestOf(bytes)}`;
  const { status } = await ask(origin, { method: 'POST', path, body: bytes });
  if (status !== 201) throw new Error(`the blob was answered ${status}`);
}

export async function putManifest(origin: string, repository: string, reference: string, text: string): Promise<void> {
  const headers = { 'content-type': MEDIA_TYPES.ociManifest };
  const path = `/v2/${repository}/manifests/${reference}`;
  const { status } = await ask(origin, { method: 'PUT', path, headers, body: text });
  if (status !== 201) throw new Error(`the manifest was answered ${status}`);
}

/** `team/app:v1`: the manifest above and its blob of ten bytes. */
export async function putSample(origin: string): Promise<void> {
  await putBlob(origin, 'team/app', TEN_BYTES);
  await putManifest(origin, 'team/app', 'v1', MANIFEST);
}
