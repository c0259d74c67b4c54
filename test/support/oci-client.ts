import { createHash } from 'node:crypto';

export interface SampleBlob {
  readonly digest: string;
  readonly size: number;
  readonly bytes: Uint8Array;
}

export interface SampleManifest extends SampleBlob {
  readonly mediaType: string;
}

export interface SampleImage {
  readonly blobs: readonly SampleBlob[];
  readonly manifest: SampleManifest;
}

const IMAGE_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const IMAGE_INDEX = 'application/vnd.oci.image.index.v1+json';

export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export function sampleBlob(bytes: Uint8Array): SampleBlob {
  return { digest: sha256(bytes), size: bytes.length, bytes };
}

/** An image whose content is that of its layers and of `name`: equal arguments, equal digests. */
export function sampleImage(name: string, layers: readonly Uint8Array[]): SampleImage {
  const config = sampleBlob(Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', name })));
  const blobs = layers.map(sampleBlob);
  const manifest = {
    schemaVersion: 2 as const,
    mediaType: IMAGE_MANIFEST,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: config.digest, size: config.size },
    layers: blobs.map(({ digest, size }) => ({ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size })),
  };
  return { blobs: [config, ...blobs], manifest: sampleManifest(manifest) };
}

/** An index of images, one platform each. */
export function sampleIndex(images: readonly SampleImage[]): SampleManifest {
  const manifests = images.map(({ manifest: { mediaType, digest, size } }, index) => {
    const platform = { os: 'linux', architecture: ['amd64', 'arm64', 's390x'][index] ?? `arch${index}` };
    return { mediaType, digest, size, platform };
  });
  return sampleManifest({ schemaVersion: 2, mediaType: IMAGE_INDEX, manifests });
}

function sampleManifest(
  content: { readonly mediaType: string; readonly schemaVersion: 2; readonly manifests?: unknown } & object,
): SampleManifest {
  return { ...sampleBlob(Buffer.from(JSON.stringify(content))), mediaType: content.mediaType };
}

/** The few calls of the distribution API that tests need, on plain fetch: what a client does, and nothing else. */
export class OciClient {
  constructor(
    readonly origin: string,
    private readonly headers: Readonly<Record<string, string>> = {},
  ) {}

  request(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { ...this.headers, ...(init.headers as Record<string, string> | undefined) };
    return fetch(new URL(path, this.origin), { ...init, headers });
  }

  /** Begins an upload and returns where to send its bytes. */
  async beginUpload(repository: string): Promise<URL> {
    const response = await this.request(`/v2/${repository}/blobs/uploads/`, { method: 'POST' });
    await expectStatus(response, 202);
    return new URL(response.headers.get('location') ?? '', response.url);
  }

  async pushBlob(repository: string, blob: SampleBlob): Promise<void> {
    const location = await this.beginUpload(repository);
    location.searchParams.set('digest', blob.digest);
    const headers = { 'content-type': 'application/octet-stream' };
    await expectStatus(await fetch(location, { method: 'PUT', body: Buffer.from(blob.bytes), headers }), 201);
  }

  async pushManifest(repository: string, reference: string, manifest: SampleManifest): Promise<Response> {
    return this.request(`/v2/${repository}/manifests/${reference}`, {
      method: 'PUT',
      body: Buffer.from(manifest.bytes),
      headers: { 'content-type': manifest.mediaType },
    });
  }

  /** Pushes blobs, then the manifest under `reference` (its digest by default). */
  async pushImage(repository: string, image: SampleImage, reference = image.manifest.digest): Promise<void> {
    await Promise.all(image.blobs.map((blob) => this.pushBlob(repository, blob)));
    await expectStatus(await this.pushManifest(repository, reference, image.manifest), 201);
  }

  /** Pulls a manifest and everything under it, checks every digest, and returns the digest that the reference led to. */
  async pullWhole(repository: string, reference: string): Promise<string> {
    const response = await this.request(`/v2/${repository}/manifests/${reference}`, {
      headers: { accept: `${IMAGE_MANIFEST}, ${IMAGE_INDEX}` },
    });
    await expectStatus(response, 200);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const digest = sha256(bytes);
    if (reference.includes(':') && reference !== digest) throw new Error(`asked for ${reference}, got ${digest}`);
    const manifest = JSON.parse(Buffer.from(bytes).toString()) as {
      config?: { digest: string };
      layers?: { digest: string }[];
      manifests?: { digest: string }[];
    };
    await Promise.all((manifest.manifests ?? []).map((child) => this.pullWhole(repository, child.digest)));
    const blobs = [...(manifest.config === undefined ? [] : [manifest.config]), ...(manifest.layers ?? [])];
    await Promise.all(blobs.map((blob) => this.pullBlob(repository, blob.digest)));
    return digest;
  }

  /** Streams a blob, checks its digest, and returns its size; nothing is kept. */
  async pullBlob(repository: string, digest: string): Promise<number> {
    const response = await this.request(`/v2/${repository}/blobs/${digest}`);
    await expectStatus(response, 200);
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of response.body ?? []) {
      hash.update(chunk);
      size += chunk.length;
    }
    const computed = `sha256:${hash.digest('hex')}`;
    if (computed !== digest) throw new Error(`asked for ${digest}, got ${computed} of ${size} bytes`);
    return size;
  }
}

export async function expectStatus(response: Response, status: number): Promise<void> {
  if (response.status === status) return;
  throw new Error(`${response.url}: expected ${status}, got ${response.status}: ${await response.text()}`);
}
