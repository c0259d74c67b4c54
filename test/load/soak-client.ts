import { randomBytes } from 'node:crypto';
import { expectStatus, type OciClient, type SampleImage, sampleImage } from '../support/oci-client.js';
import { pause } from './polite-client.js';

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
  /** Answered 503 and asked again. */
  putOff: number;
  broken: number;
  readonly notes: string[];
}

const NOTES = 5;
const PUT_OFF = /\bgot 503\b/;
const ATTEMPTS = 10;
const PAUSE_MS = 500;

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

  async #push(tag: string, before: SampleImage | undefined): Promise<void> {
    const shared = SHARED[this.#turn % SHARED.length] ?? Buffer.alloc(1);
    const image = sampleImage(`${this.repository} ${this.#turn}`, [shared, randomBytes(LAYER_BYTES)]);
    this.tally.pushes += 1;
    const failed = await this.#untilAnswered(() => this.#pushOnce(tag, image));
    if (failed !== undefined) return this.#wrong('refused', `push of ${this.repository}:${tag}: ${failed}`);
    this.images.set(tag, image);
    if (before !== undefined) await this.#remove(before);
  }

  /** A client that asks before it uploads, as all do: what it was told is here must stay until its manifest is. */
  async #pushOnce(tag: string, image: SampleImage): Promise<void> {
    for (const blob of image.blobs) {
      const head = await this.client.request(`/v2/${this.repository}/blobs/${blob.digest}`, { method: 'HEAD' });
      if (head.status === 404) await this.client.pushBlob(this.repository, blob);
      else await expectStatus(head, 200);
    }
    await expectStatus(await this.client.pushManifest(this.repository, tag, image.manifest), 201);
  }

  /** Asks again while it is told that there was no time for it, and that asking again is safe. @returns what went wrong */
  async #untilAnswered(ask: () => Promise<void>): Promise<string | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await ask();
        return undefined;
      } catch (error) {
        if (attempt === ATTEMPTS || !PUT_OFF.test(String(error))) return String(error);
        this.tally.putOff += 1;
        await pause(PAUSE_MS);
      }
    }
  }

  async #delete(tag: string, image: SampleImage): Promise<void> {
    this.images.delete(tag);
    await this.#remove(image);
  }

  async #remove({ manifest }: SampleImage): Promise<void> {
    const path = `/v2/${this.repository}/manifests/${manifest.digest}`;
    this.tally.deletions += 1;
    let asked = 0;
    const failed = await this.#untilAnswered(async () => {
      asked += 1;
      const response = await this.client.request(path, { method: 'DELETE' });
      // One that was put off may have been done all the same.
      if (response.status !== 404 || asked === 1) await expectStatus(response, 202);
      await response.arrayBuffer();
    });
    if (failed !== undefined) this.#wrong('refused', `deletion in ${this.repository}: ${failed}`);
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
