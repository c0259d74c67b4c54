import { type Answer, type Body, HttpConnection, headerOf } from '../lib/http-connection.js';

/** Keeps one connection to each host that was asked, as clients do. */
export class Connections {
  readonly #open = new Map<string, HttpConnection>();

  async request(
    url: URL | string,
    method: string,
    options: Parameters<HttpConnection['request']>[2] = {},
  ): Promise<Answer> {
    const { host, pathname, search } = new URL(url);
    const connection = this.#open.get(host) ?? (await HttpConnection.open(host));
    this.#open.set(host, connection);
    return connection.request(method, `${pathname}${search}`, options);
  }

  close(): void {
    for (const connection of this.#open.values()) connection.close();
  }
}

/** How a blob is pushed: in one request of known length, as a stream, or in requests of 16 MiB. */
export type PushWay = 'mono' | 'stream' | 'chunks';

export interface Pushable {
  readonly bytes: number;
  readonly digest: string;
  body(options?: { start?: number; end?: number; chunked?: boolean }): Body;
}

/** One client of a place that keeps blobs. */
export interface BlobClient {
  push(blob: Pushable, way?: PushWay): Promise<void>;
  /** Reads all of it, wherever the bytes come from, and returns how many there were. */
  pull(digest: string): Promise<number>;
  /** Names the blobs of an image, where there is such a thing. */
  pushManifest(json: string, reference: string, mediaType: string): Promise<void>;
  close(): void;
}

export function expectStatus(answer: Answer, status: number, what: string): Answer {
  if (answer.status === status) return answer;
  throw new Error(`${what}: ${answer.status} instead of ${status}\n${answer.head}${answer.body}`);
}

export function locationOf(answer: Answer, base: string): URL {
  return new URL(headerOf(answer, 'location') ?? '', base);
}
