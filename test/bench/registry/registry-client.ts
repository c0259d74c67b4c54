import { MIB } from '../lib/blob.js';
import { type BlobClient, Connections, expectStatus, locationOf, type Pushable, type PushWay } from './store.js';

const CHUNK = 16 * MIB;

/** Pushes and pulls as docker and its like do, by the OCI distribution API. */
export class RegistryClient implements BlobClient {
  readonly #http = new Connections();

  constructor(
    private readonly origin: string,
    private readonly repository: string,
  ) {}

  async push(blob: Pushable, way: PushWay = 'mono'): Promise<void> {
    const begun = await this.#http.request(this.#url('blobs/uploads/'), 'POST', { keepBody: true });
    let location = locationOf(expectStatus(begun, 202, 'POST uploads'), this.origin);
    if (way === 'stream') location = await this.#patch(location, blob, { chunked: true });
    if (way === 'chunks') {
      for (let start = 0; start < blob.bytes; start += CHUNK) {
        location = await this.#patch(location, blob, { start, end: Math.min(blob.bytes, start + CHUNK) });
      }
    }
    location.searchParams.set('digest', blob.digest);
    const headers = { 'content-type': 'application/octet-stream' };
    const body = way === 'mono' ? blob.body() : undefined;
    const ended = await this.#http.request(location, 'PUT', { headers, body, keepBody: true });
    expectStatus(ended, 201, 'PUT ?digest');
  }

  async #patch(location: URL, blob: Pushable, part: { start?: number; end?: number; chunked?: boolean }): Promise<URL> {
    const range: Record<string, string> =
      part.start === undefined ? {} : { 'content-range': `${part.start}-${(part.end ?? 0) - 1}` };
    const headers = { 'content-type': 'application/octet-stream', ...range };
    const answer = await this.#http.request(location, 'PATCH', { headers, body: blob.body(part), keepBody: true });
    return locationOf(expectStatus(answer, 202, 'PATCH'), this.origin);
  }

  async pull(digest: string): Promise<number> {
    const first = await this.#http.request(this.#url(`blobs/${digest}`), 'GET');
    if (first.status === 200) return first.bodyBytes;
    const target = locationOf(expectStatus(first, 307, 'GET blob'), this.origin);
    return expectStatus(await this.#http.request(target, 'GET'), 200, 'GET of the redirect').bodyBytes;
  }

  async pushManifest(json: string, reference: string, mediaType: string): Promise<void> {
    const bytes = Buffer.from(json);
    const body = { bytes: bytes.length, pieces: () => [[bytes]] };
    const headers = { 'content-type': mediaType };
    const answer = await this.#http.request(this.#url(`manifests/${reference}`), 'PUT', {
      headers,
      body,
      keepBody: true,
    });
    expectStatus(answer, 201, 'PUT manifest');
  }

  close(): void {
    this.#http.close();
  }

  #url(rest: string): string {
    return `${this.origin}/v2/${this.repository}/${rest}`;
  }
}
