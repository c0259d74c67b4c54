import { type BlobDescriptor, type Digest, digestOf, formatReference, type Reference } from '#libs/oci';
import type { ImageName, ImagePresence, JournalMessage, PeerManifest, RegionStatus } from '../index.js';

/** What a region holds, as data: the other end of a peer client in a test. */
export class MemoryRegion {
  readonly messages: JournalMessage[] = [];
  readonly blobs = new Map<Digest, Uint8Array>();
  readonly #links = new Map<string, BlobDescriptor>();
  readonly #manifests = new Map<string, PeerManifest>();
  #tagged = 0;

  constructor(readonly state: RegionStatus) {}

  addBlob(text: string): BlobDescriptor {
    const content = Buffer.from(text);
    const digest = digestOf(content);
    this.blobs.set(digest, content);
    return { digest, size: content.byteLength };
  }

  link(repository: string, blob: BlobDescriptor): void {
    this.#links.set(`${repository}@${blob.digest}`, blob);
  }

  linked(repository: string, digest: string): BlobDescriptor | undefined {
    return this.#links.get(`${repository}@${digest}`);
  }

  addManifest(repository: string, tag: string, text: string): PeerManifest {
    const content = Buffer.from(text);
    const manifest = { digest: digestOf(content), mediaType: 'application/vnd.oci.image.manifest.v1+json', content };
    this.#tagged += 1;
    this.#manifests.set(`${repository} ${tag}`, { ...manifest, tagSeq: this.#tagged });
    this.#manifests.set(`${repository} ${manifest.digest}`, manifest);
    return manifest;
  }

  manifest(repository: string, reference: string): PeerManifest | undefined {
    return this.#manifests.get(`${repository} ${reference}`);
  }

  presence(image: ImageName): ImagePresence {
    const { repository, reference } = image;
    const manifest = this.manifest(repository, formatReference(reference satisfies Reference));
    const { region, timeMs } = this.state;
    const nothing = { region, repository, bytes: { done: 0, total: 0 }, missing: [], timeMs };
    return manifest === undefined
      ? { ...nothing, state: 'unknown' }
      : { ...nothing, state: 'present', digest: manifest.digest };
  }
}
