import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type Digest, digestOf, parseDigest } from '#libs/oci';
import { type Clock, Limiter } from '#libs/resilience';
import { Problem } from '../problem.js';
import type { RegistryAnswer, RegistryClient } from './registry-client.js';

export interface Pull {
  /** Until the first byte of the manifest, connection and redirects included. */
  readonly firstByteMs: number;
  /** Until the last byte of everything, all of it hashed. */
  readonly wholeMs: number;
  readonly bytes: number;
  /** Who sent the layers. */
  readonly servedBy: readonly string[];
}

/** As docker does. */
const DOWNLOADS_AT_ONCE = 3;
const ARCHITECTURE = 'amd64';
const ACCEPT = 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json';

const indexSchema = z.object({
  manifests: z.array(z.object({ digest: z.string(), platform: z.object({ architecture: z.string() }) })),
});
const blobSchema = z.object({ digest: z.string(), size: z.number() });
const manifestSchema = z.object({ config: blobSchema, layers: z.array(blobSchema) });

export interface PullRequest {
  readonly client: RegistryClient;
  readonly repository: string;
  readonly reference: string;
  /** Which region an answer came from. */
  readonly regionOf: (answer: RegistryAnswer) => string;
}

/** Pulls one platform of an image as a client does that has nothing of it yet. @throws Problem for a wrong byte */
export async function pullImage(asked: PullRequest, clock: Clock, signal: AbortSignal): Promise<Pull> {
  const startMs = clock.monotonic();
  const index = await pullManifest(asked, asked.reference, clock, signal);
  const child = indexSchema
    .parse(index.content)
    .manifests.find(({ platform }) => platform.architecture === ARCHITECTURE);
  if (child === undefined) throw new Problem(`the image has no ${ARCHITECTURE} platform`);
  const manifest = await pullManifest(asked, child.digest, clock, signal);
  const { config, layers } = manifestSchema.parse(manifest.content);
  const servedBy = new Set<string>();
  const limiter = new Limiter(DOWNLOADS_AT_ONCE);
  const sizes = [config, ...layers].map((blob) =>
    limiter.run(signal, async () => {
      servedBy.add(await pullBlob(asked, parseDigest(blob.digest), signal));
      return blob.size;
    }),
  );
  const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  return {
    firstByteMs: index.firstByteMs - startMs,
    wholeMs: clock.monotonic() - startMs,
    bytes,
    servedBy: [...servedBy],
  };
}

interface PulledManifest {
  readonly content: unknown;
  readonly firstByteMs: number;
}

async function pullManifest(
  { client, repository }: PullRequest,
  reference: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<PulledManifest> {
  const target = `/v2/${repository}/manifests/${reference}`;
  const answer = await client.send({ method: 'GET', target, headers: { accept: ACCEPT } }, signal);
  const chunks: Uint8Array[] = [];
  let firstByteMs: number | undefined;
  for await (const chunk of answer.body) {
    firstByteMs ??= clock.monotonic();
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  const expected = reference.includes(':') ? reference : answer.headers['docker-content-digest'];
  if (expected !== undefined) verify(digestOf(bytes), expected, answer);
  return { content: JSON.parse(bytes.toString('utf8')), firstByteMs: firstByteMs ?? clock.monotonic() };
}

/** @returns the region that sent it */
async function pullBlob(
  { client, repository, regionOf }: PullRequest,
  digest: Digest,
  signal: AbortSignal,
): Promise<string> {
  const answer = await client.send({ method: 'GET', target: `/v2/${repository}/blobs/${digest}` }, signal);
  const hash = createHash('sha256');
  for await (const chunk of answer.body) hash.update(chunk);
  verify(`sha256:${hash.digest('hex')}`, digest, answer);
  return regionOf(answer);
}

function verify(digest: string, expected: string, answer: RegistryAnswer): void {
  if (digest !== expected)
    throw new Problem(`${answer.url.href} sent bytes with the digest ${digest}, not ${expected}`);
}
