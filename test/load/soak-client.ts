import { randomBytes } from 'node:crypto';
import { OciClient, type SampleImage, sampleImage } from '../support/oci-client.js';

const TAGS = 6;
const LAYER_BYTES = 128 * 1024;
/** Layers that many images have: deleted with the last of them, and asked for again. */
const SHARED = Array.from({ length: 6 }, (_, index) => Buffer.alloc(LAYER_BYTES, index + 1));

/** What all clients of a soak saw. */
export interface SoakTally {
  pushes: number;
  pulls: number;
  deletions: number;
  refused: number;
  broken: number;
  readonly notes: string[];
}

const NOTES = 5;

/** A client with a repository of its own, who knows what every tag of it must lead to. */
export class SoakClient {
  /** What is there now. */
  readonly images = new Map<string, SampleImage>();
  #turn = 0;

  constructor(
    private readonly client: OciClient,
    private readonly repository: string,
    private readonly tally: SoakTally,
  ) {}

  /** One change, and one look at what is there. */
  async step(): Promise<void> {
    this.#turn += 1;
    const tag = `t${this.#turn % TAGS}`;
    const before = this.images.get(tag);
    if (this.#turn % 5 === 0 && before !== undefined) await this.#delete(tag, before);
    else await this.#push(tag, before);
    const [kept] = [...this.images.keys()].slice(this.#turn % Math.max(1, this.images.size));
    if (kept !== undefined) await this.#pull(kept);
  }

  /** A client that asks before it uploads, as all do: what it was told is here must stay until its manifest is. */
  async #push(tag: string, before: SampleImage | undefined): Promise<void> {
    const shared = SHARED[this.#turn % SHARED.length] ?? Buffer.alloc(1);
    const image = sampleImage(`${this.repository} ${this.#turn}`, [shared, randomBytes(LAYER_BYTES)]);
    try {
      for (const blob of image.blobs) {
        const head = await this.client.request(`/v2/${this.repository}/blobs/${blob.digest}`, { method: 'HEAD' });
        if (head.status === 404) await this.client.pushBlob(this.repository, blob);
      }
    } catch (error) {
      this.#wrong('refused', `upload to ${this.repository}: ${String(error)}`);
      return;
    }
    const response = await this.client.pushManifest(this.repository, tag, image.manifest);
    const said = await response.text();
    this.tally.pushes += 1;
    if (response.status !== 201) {
      this.#wrong('refused', `push of ${this.repository}:${tag}: ${response.status} ${said}`);
      return;
    }
    this.images.set(tag, image);
    if (before !== undefined) await this.#remove(before);
  }

  async #delete(tag: string, image: SampleImage): Promise<void> {
    this.images.delete(tag);
    await this.#remove(image);
  }

  async #remove({ manifest }: SampleImage): Promise<void> {
    const path = `/v2/${this.repository}/manifests/${manifest.digest}`;
    const response = await this.client.request(path, { method: 'DELETE' });
    await response.arrayBuffer();
    this.tally.deletions += 1;
    if (response.status !== 202) this.#wrong('refused', `deletion in ${this.repository}: ${response.status}`);
  }

  async #pull(tag: string): Promise<void> {
    this.tally.pulls += 1;
    const wanted = this.images.get(tag)?.manifest.digest;
    const got = await this.client.pullWhole(this.repository, tag).catch((error: unknown) => String(error));
    if (got !== wanted) this.#wrong('broken', `pull of ${this.repository}:${tag}: ${got} instead of ${wanted}`);
  }

  #wrong(what: 'refused' | 'broken', note: string): void {
    this.tally[what] += 1;
    if (this.tally.notes.length < NOTES) this.tally.notes.push(note);
  }
}

/** Bytes of everything that these images are made of, each blob once. */
export function liveBytes(clients: readonly SoakClient[]): number {
  const sizes = new Map<string, number>();
  for (const { images } of clients) {
    for (const image of images.values()) for (const { digest, size } of image.blobs) sizes.set(digest, size);
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
