import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { z } from 'zod';
import { digestOf } from '#libs/oci';
import { type Clock, Limiter } from '#libs/resilience';
import type { RegistryAnswer, RegistryClient } from '../demo/registry-client.js';
import { Problem } from '../problem.js';
import type { Phase } from './sample.js';

export interface TimedPull {
  /** Since the pull began: until the answer of `/v2/`, the whole manifest, the first byte of a blob, the last of all. */
  readonly ms: Readonly<Record<Phase, number>>;
  readonly bytes: number;
  /** Who sent the blobs. */
  readonly servedBy: readonly string[];
}

export interface AskedPull {
  readonly client: RegistryClient;
  readonly repository: string;
  readonly tag: string;
  readonly regionOf: (answer: RegistryAnswer) => string;
}

/** As docker does. */
const DOWNLOADS_AT_ONCE = 3;
const ACCEPT = 'application/vnd.oci.image.manifest.v1+json';

const blobSchema = z.object({ digest: z.string(), size: z.number() });
const manifestSchema = z.object({ config: blobSchema, layers: z.array(blobSchema) });
type Blob = z.infer<typeof blobSchema>;

/** Pulls an image as a client does that has nothing of it yet; every byte is hashed. @throws Problem for a wrong one */
export async function pullTimed(asked: AskedPull, clock: Clock, signal: AbortSignal): Promise<TimedPull> {
  // Each of its blobs listens, while it waits and while it comes.
  setMaxListeners(0, signal);
  const startMs = clock.monotonic();
  const sinceStart = (): number => clock.monotonic() - startMs;
  await ping(asked, signal);
  const pingMs = sinceStart();
  const { config, layers } = await pullManifest(asked, signal);
  const manifestMs = sinceStart();
  let firstByteMs: number | undefined;
  const onByte = (): void => {
    firstByteMs ??= sinceStart();
  };
  const servedBy = new Set<string>();
  const limiter = new Limiter(DOWNLOADS_AT_ONCE);
  const blobs = [config, ...layers];
  await Promise.all(
    blobs.map((blob) => limiter.run(signal, async () => servedBy.add(await pullBlob(asked, blob, onByte, signal)))),
  );
  const wholeMs = sinceStart();
  return {
    ms: { ping: pingMs, manifest: manifestMs, firstByte: firstByteMs ?? wholeMs, whole: wholeMs },
    bytes: blobs.reduce((sum, { size }) => sum + size, 0),
    servedBy: [...servedBy],
  };
}

/** end-1: where clients learn which token they need, and whether this is a registry at all. */
async function ping({ client }: AskedPull, signal: AbortSignal): Promise<void> {
  const answer = await client.send({ method: 'GET', target: '/v2/' }, signal);
  await answer.body.dump();
}

async function pullManifest({ client, repository, tag }: AskedPull, signal: AbortSignal) {
  const target = `/v2/${repository}/manifests/${tag}`;
  const answer = await client.send({ method: 'GET', target, headers: { accept: ACCEPT } }, signal);
  const bytes = new Uint8Array(await answer.body.arrayBuffer());
  const expected = answer.headers['docker-content-digest'];
  if (expected !== undefined) verify(digestOf(bytes), expected, answer);
  return manifestSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
}

/** @returns the region that sent it */
async function pullBlob(
  { client, repository, regionOf }: AskedPull,
  { digest }: Blob,
  onByte: () => void,
  signal: AbortSignal,
): Promise<string> {
  const answer = await client.send({ method: 'GET', target: `/v2/${repository}/blobs/${digest}` }, signal);
  const hash = createHash('sha256');
  for await (const chunk of answer.body) {
    onByte();
    hash.update(chunk);
  }
  verify(`sha256:${hash.digest('hex')}`, digest, answer);
  return regionOf(answer);
}

function verify(digest: string, expected: string, answer: RegistryAnswer): void {
  if (digest !== expected)
    throw new Problem(`${answer.url.href} sent bytes with the digest ${digest}, not ${expected}`);
}
