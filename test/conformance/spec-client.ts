import { createHash } from 'node:crypto';
import { expectStatus } from '../support/oci-client.js';

export type Algorithm = 'sha256' | 'sha512';

/** Bytes with the digest that they are asked for by. */
export interface Content {
  readonly bytes: Buffer;
  readonly digest: string;
}

export interface ManifestContent extends Content {
  readonly mediaType: string;
}

export const contentOf = (bytes: Buffer, algorithm: Algorithm = 'sha256'): Content => ({
  bytes,
  digest: `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`,
});

/** A manifest in JSON, as compact as most tools write it; its type is said in it. */
export const manifestOf = (
  value: { readonly mediaType: string },
  algorithm: Algorithm = 'sha256',
): ManifestContent => ({ ...contentOf(Buffer.from(JSON.stringify(value)), algorithm), mediaType: value.mediaType });

/** One repository, request by request: what is sent is what the test says, and redirects are followed as clients do. */
export class SpecClient {
  constructor(
    private readonly origin: string,
    readonly repository: string,
  ) {}

  send(method: string, path: string, body?: Buffer, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    const url = new URL(`/v2/${this.repository}/${path}`, this.origin);
    return sendTo(url, method, body, headers);
  }

  /** Opens an upload. */
  async begin(): Promise<{ readonly location: URL; readonly minChunkBytes: number }> {
    const response = await this.send('POST', 'blobs/uploads/');
    await expectStatus(response, 202);
    return {
      location: locationOf(response),
      minChunkBytes: Number(response.headers.get('oci-chunk-min-length') ?? 0),
    };
  }

  async pushBlob({ bytes, digest }: Content): Promise<void> {
    await expectStatus(await this.send('POST', `blobs/uploads/?digest=${digest}`, bytes), 201);
  }

  putManifest(
    reference: string,
    { bytes, mediaType }: ManifestContent,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    return this.send('PUT', `manifests/${reference}`, bytes, { 'content-type': mediaType, ...headers });
  }

  async pushManifest(reference: string, manifest: ManifestContent): Promise<Response> {
    const response = await this.putManifest(reference, manifest);
    await expectStatus(response, 201);
    return response;
  }
}

/** A Blob can be sent again, where a redirect leads; what a view of memory shows is gone once it was sent. */
export function sendTo(
  url: URL,
  method: string,
  body?: Buffer,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(url, { method, headers, ...(body === undefined ? {} : { body: new Blob([new Uint8Array(body)]) }) });
}

/** Where an answer sends its client. */
export function locationOf(response: Response): URL {
  return new URL(response.headers.get('location') ?? '', response.url);
}

export function withDigest(location: URL, digest: string): URL {
  const url = new URL(location);
  url.searchParams.set('digest', digest);
  return url;
}
