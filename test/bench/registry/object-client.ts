import { type SigningKeys, signHeaders } from '../../support/sigv4-headers.js';
import { type BlobClient, Connections, expectStatus, type Pushable } from './store.js';

/** Puts and gets objects by name, without any registry: what the machine and the store could do at best. */
export class ObjectClient implements BlobClient {
  readonly #http = new Connections();

  constructor(
    private readonly origin: string,
    private readonly folder: string,
    private readonly keys?: SigningKeys,
  ) {}

  async push(blob: Pushable): Promise<void> {
    const { url, headers } = this.#object('PUT', blob.digest);
    const answer = await this.#http.request(url, 'PUT', { headers, body: blob.body(), keepBody: true });
    expectStatus(answer, this.keys === undefined ? 201 : 200, 'PUT object');
  }

  async pull(digest: string): Promise<number> {
    const { url, headers } = this.#object('GET', digest);
    return expectStatus(await this.#http.request(url, 'GET', { headers }), 200, 'GET object').bodyBytes;
  }

  async pushManifest(): Promise<void> {}

  close(): void {
    this.#http.close();
  }

  #object(method: string, digest: string) {
    const path = `${this.folder}/${digest.replace('sha256:', '')}`;
    const { host } = new URL(this.origin);
    const headers = this.keys === undefined ? {} : signHeaders(this.keys, { method, host, path });
    return { url: `${this.origin}${path}`, headers };
  }
}
