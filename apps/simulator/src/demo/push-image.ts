import { Readable } from 'node:stream';
import { Limiter } from '#libs/resilience';
import type { RegistryClient } from './registry-client.js';
import type { SampleBlob, SampleImage, SampleManifest } from './sample-image.js';

/** As docker does. */
const UPLOADS_AT_ONCE = 3;
const CHUNK_BYTES = 256 * 1024;

/** Something to push, read anew for each hop. */
export interface PushedBlob {
  readonly digest: string;
  readonly size: number;
  chunks(): Iterable<Uint8Array>;
}

/** Pushes blobs, then manifests, children first. `onBytes` hears what has been handed to the network. */
export async function pushImage(
  client: RegistryClient,
  repository: string,
  image: SampleImage,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const limiter = new Limiter(UPLOADS_AT_ONCE);
  const uploads = image.blobs.map((blob) =>
    limiter.run(signal, () => pushBlob(client, repository, inChunks(blob), onBytes, signal)),
  );
  await Promise.all(uploads);
  for (const manifest of image.manifests) await pushManifest(client, repository, manifest, signal);
}

/** distribution-spec, POST then PUT (end-4a, end-6). */
export async function pushBlob(
  client: RegistryClient,
  repository: string,
  blob: PushedBlob,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const opened = await client.send({ method: 'POST', target: `/v2/${repository}/blobs/uploads/` }, signal);
  await opened.body.dump();
  const location = new URL(opened.headers.location ?? '', opened.url);
  location.searchParams.set('digest', blob.digest);
  const headers = { 'content-type': 'application/octet-stream', 'content-length': String(blob.size) };
  const body = (): Readable => Readable.from(counted(blob.chunks(), onBytes), { objectMode: false });
  const committed = await client.send({ method: 'PUT', target: location, headers, body }, signal);
  await committed.body.dump();
}

/** end-7 */
export async function pushManifest(
  client: RegistryClient,
  repository: string,
  manifest: Pick<SampleManifest, 'reference' | 'mediaType' | 'content'>,
  signal: AbortSignal,
): Promise<void> {
  const answer = await client.send(
    {
      method: 'PUT',
      target: `/v2/${repository}/manifests/${manifest.reference}`,
      headers: { 'content-type': manifest.mediaType },
      body: () => manifest.content,
    },
    signal,
  );
  await answer.body.dump();
}

function inChunks({ digest, size, content }: SampleBlob): PushedBlob {
  return {
    digest,
    size,
    chunks: function* () {
      for (let start = 0; start < size; start += CHUNK_BYTES) yield content.subarray(start, start + CHUNK_BYTES);
    },
  };
}

async function* counted(chunks: Iterable<Uint8Array>, onBytes: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) {
    yield chunk;
    onBytes(chunk.byteLength);
  }
}
