import { type Digest, digestOf } from '#libs/oci';
import type { Clock, Random } from '#libs/resilience';
import { planOf, type SizeName } from './image-sizes.js';
import { makeNoiseBlob, type NoiseBlob } from './noise-blob.js';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';

/** An image of one platform whose layers are noise. */
export interface MeasuredImage {
  readonly size: SizeName;
  readonly tag: string;
  readonly blobs: readonly NoiseBlob[];
  readonly bytes: number;
  readonly manifest: { readonly mediaType: string; readonly content: Uint8Array; readonly digest: Digest };
}

/** Builds images; those of one generation share their base. */
export class ImageBuilder {
  readonly #bases = new Map<string, NoiseBlob>();

  constructor(
    private readonly scale: number,
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  async build(size: SizeName, generation: string, signal: AbortSignal): Promise<MeasuredImage> {
    const plan = planOf(size, this.scale);
    const layers: NoiseBlob[] = [];
    for (const [index, bytes] of plan.base.entries())
      layers.push(await this.#base(`${generation}/${index}`, bytes, signal));
    for (const bytes of plan.own) layers.push(await this.#make(bytes, signal));
    return assemble(size, generation, layers);
  }

  async #base(name: string, bytes: number, signal: AbortSignal): Promise<NoiseBlob> {
    const layer = this.#bases.get(name) ?? (await this.#make(bytes, signal));
    this.#bases.set(name, layer);
    return layer;
  }

  /** Hashing a large layer takes a moment: others get their turn before it. */
  async #make(bytes: number, signal: AbortSignal): Promise<NoiseBlob> {
    await this.clock.sleep(0, signal);
    return makeNoiseBlob(bytes, this.random);
  }
}

function assemble(size: SizeName, tag: string, layers: readonly NoiseBlob[]): MeasuredImage {
  const config = blobOf({
    architecture: 'amd64',
    os: 'linux',
    config: { Labels: { 'org.opencontainers.image.version': tag } },
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
  });
  const content = encode({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: CONFIG, digest: config.digest, size: config.size },
    layers: layers.map((layer) => ({ mediaType: LAYER, digest: layer.digest, size: layer.size })),
  });
  const blobs = [...layers, config];
  return {
    size,
    tag,
    blobs,
    bytes: blobs.reduce((sum, blob) => sum + blob.size, 0),
    manifest: { mediaType: MANIFEST, content, digest: digestOf(content) },
  };
}

function blobOf(content: object): NoiseBlob {
  const bytes = encode(content);
  return { digest: digestOf(bytes), size: bytes.byteLength, chunks: () => [bytes] };
}

const encode = (content: object): Uint8Array => Buffer.from(JSON.stringify(content));
