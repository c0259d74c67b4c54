import { createHash } from 'node:crypto';
import { SEQUENCE_HEADER } from '#libs/geo';
import { Blob } from '../lib/blob.js';
import { headerOf } from '../lib/http-connection.js';
import { imageManifest, MANIFEST } from '../registry/manifests.js';
import { RegistryClient } from '../registry/registry-client.js';
import { Connections, expectStatus } from '../registry/store.js';

export interface Image {
  readonly config: Blob;
  readonly layers: readonly Blob[];
  readonly json: string;
  readonly digest: string;
}

export interface Pushed {
  readonly image: Image;
  readonly tag: string;
  /** The entry of the journal that the push made. */
  readonly seq: number;
  /** When the 201 of its manifest was there, on the clock of `performance.now()`. */
  readonly answeredMs: number;
}

const CONFIG_BYTES = 1_024;

export function newImage(layers: readonly Blob[]): Image {
  const config = new Blob(CONFIG_BYTES);
  const { json } = imageManifest(config, layers);
  return { config, layers, json, digest: `sha256:${createHash('sha256').update(json).digest('hex')}` };
}

export const blobsOf = (count: number, bytes: number): readonly Blob[] =>
  Array.from({ length: count }, () => new Blob(bytes));

/** 64 KB, in one layer. */
export const smallImage = (): Image => newImage([new Blob(64 * 1024)]);

/** Bytes that a region has to get which has nothing of it. */
export const bytesOf = ({ config, layers, json }: Image): number =>
  [config, ...layers].reduce((sum, { bytes }) => sum + bytes, json.length);

/** One client of one registry, with connections of its own. */
export class Pusher {
  static #made = 0;
  readonly #http = new Connections();
  readonly #blobs: RegistryClient;

  constructor(
    private readonly origin: string,
    readonly repository: string,
  ) {
    this.#blobs = new RegistryClient(origin, repository);
  }

  /** Blobs that are there already are not pushed again. */
  async push(image: Image, known: ReadonlySet<Blob> = new Set()): Promise<Pushed> {
    for (const blob of [image.config, ...image.layers]) if (!known.has(blob)) await this.#blobs.push(blob);
    return this.pushManifest(image);
  }

  async pushManifest(image: Image): Promise<Pushed> {
    Pusher.#made += 1;
    const tag = `v${Pusher.#made}`;
    const bytes = Buffer.from(image.json);
    const url = `${this.origin}/v2/${this.repository}/manifests/${tag}`;
    const answer = await this.#http.request(url, 'PUT', {
      headers: { 'content-type': MANIFEST },
      body: { bytes: bytes.length, pieces: () => [[bytes]] },
      keepBody: true,
    });
    const answeredMs = performance.now();
    const seq = Number(headerOf(expectStatus(answer, 201, 'PUT manifest'), SEQUENCE_HEADER.toLowerCase()));
    return { image, tag, seq, answeredMs };
  }

  close(): void {
    this.#blobs.close();
    this.#http.close();
  }
}

/** Works through all items, each worker one after the other. */
export async function inParallel<Worker, Item, Result>(
  workers: readonly Worker[],
  items: readonly Item[],
  work: (worker: Worker, item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const left = [...items];
  const done: Result[] = [];
  const lane = async (worker: Worker): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) done.push(await work(worker, item));
  };
  await Promise.all(workers.map(lane));
  return done;
}
