import type { KeyObject } from 'node:crypto';
import { type BlobDescriptor, type Digest, formatReference, type Reference, type RepositoryName } from '#libs/oci';
import type { ManifestRecord } from '../manifests.js';
import { isWhole } from '../region-reader.js';
import { type RehashParts, rehashBlob } from '../summary/rehash.js';
import { type Envelope, sealEnvelope } from './envelope.js';
import { type HeldObject, PROOF_PAYLOAD_TYPE, statementOf } from './statement.js';

/** Indexes inside indexes: deeper than any client makes them, and bounded. */
const MAX_DEPTH = 8;

export interface ProofParts extends RehashParts {
  readonly region: string;
  readonly key: KeyObject;
  readonly upTo: (signal: AbortSignal) => Promise<{ readonly seq: number; readonly epoch: number }>;
}

export interface ProofRequest {
  readonly repository: RepositoryName;
  readonly reference: Reference;
  /** Whether the bytes of all blobs are read from the store first. */
  readonly rehash: boolean;
}

/** The region does not hold what it would have to sign. */
export class NotHeld extends Error {
  override readonly name = 'NotHeld';

  constructor(
    /** What is missing or damaged; empty if the image itself is not known here. */
    readonly digests: readonly Digest[],
    message: string,
  ) {
    super(message);
  }
}

/** Signs that this region holds an image, whole. @throws NotHeld if it does not */
export async function proveHolding(parts: ProofParts, request: ProofRequest, signal: AbortSignal): Promise<Envelope> {
  const { content, clock, region, key, upTo } = parts;
  const { repository, reference, rehash } = request;
  const { seq: sequence, epoch } = await upTo(signal);
  const digest =
    reference.kind === 'digest' ? reference.digest : (await content.tags.get(repository, reference.tag, signal))?.value;
  if (digest === undefined) throw new NotHeld([], 'there is no such image in this region');
  const holding = new HeldObjects(parts, request);
  await holding.addManifest(digest, signal);
  const { objects, wrong } = holding;
  if (objects.length === 0 && wrong.length === 0) throw new NotHeld([], 'there is no such image in this region');
  if (wrong.length > 0) throw new NotHeld(wrong, `this region does not hold it whole: ${wrong.join(', ')}`);
  const statement = statementOf(digest, {
    ...{ region, repository, reference: formatReference(reference), epoch, sequence },
    ...{ statedAt: new Date(clock.now()).toISOString(), rehashed: rehash, objects },
  });
  return sealEnvelope(PROOF_PAYLOAD_TYPE, Buffer.from(JSON.stringify(statement)), key);
}

class HeldObjects {
  readonly objects: HeldObject[] = [];
  readonly wrong: Digest[] = [];
  readonly #seen = new Set<Digest>();

  constructor(
    private readonly parts: ProofParts,
    private readonly request: ProofRequest,
  ) {}

  /** What it leads to comes after it. A child that is not here was deleted, and belongs to no image any more. */
  async addManifest(digest: Digest, signal: AbortSignal, depth = 0): Promise<void> {
    if (this.#seen.has(digest)) return;
    this.#seen.add(digest);
    const stored = await this.parts.content.manifests.inspect(this.request.repository, digest, signal);
    if (stored === undefined || (stored.state !== undefined && stored.state.value === undefined)) return;
    const manifest = stored.state?.value;
    if (manifest === undefined || !isWhole(digest, manifest.content)) return void this.wrong.push(digest);
    const now = this.#time(this.parts.clock.now());
    this.objects.push({ kind: 'manifest', digest, size: manifest.content.byteLength, hashedAt: now });
    await this.#addBelow(manifest, signal, depth);
  }

  async #addBelow({ blobs, children }: ManifestRecord, signal: AbortSignal, depth: number): Promise<void> {
    for (const blob of blobs) await this.#addBlob(blob, signal);
    if (depth >= MAX_DEPTH) return;
    for (const child of children) await this.addManifest(child, signal, depth + 1);
  }

  async #addBlob(blob: BlobDescriptor, signal: AbortSignal): Promise<void> {
    if (this.#seen.has(blob.digest)) return;
    this.#seen.add(blob.digest);
    const hashedMs = this.request.rehash ? await this.#rehashed(blob, signal) : await this.#recorded(blob, signal);
    if (hashedMs === undefined) return void this.wrong.push(blob.digest);
    this.objects.push({ kind: 'blob', digest: blob.digest, size: blob.size, hashedAt: this.#time(hashedMs) });
  }

  async #rehashed(blob: BlobDescriptor, signal: AbortSignal): Promise<number | undefined> {
    const found = await rehashBlob(this.parts, blob, signal);
    return found !== 'absent' && 'hashedMs' in found ? found.hashedMs : undefined;
  }

  async #recorded({ digest }: BlobDescriptor, signal: AbortSignal): Promise<number | undefined> {
    return (await this.parts.content.blobs.stat(digest, signal))?.verifiedMs;
  }

  #time(ms: number): string {
    return new Date(ms).toISOString();
  }
}
