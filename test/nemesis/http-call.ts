import { systemClock, withDeadline } from '#libs/resilience';

/** A client gives up on a request after this time, and does not know what became of it. */
const PATIENCE_MS = 15_000;

export interface Call {
  readonly method?: string;
  readonly body?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of a client that has more of it than most. */
  readonly patienceMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** All of it: a body that broke off is no answer. */
  readonly body: Buffer;
  /** Where it came from in the end. */
  readonly url: string;
}

/** One request, redirects followed, to the last byte of its answer. */
export function call(
  url: string | URL,
  { method = 'GET', body, headers = {}, patienceMs = PATIENCE_MS }: Call,
  signal: AbortSignal,
): Promise<Answer> {
  return withDeadline(signal, patienceMs, systemClock, async (limited) => {
    const response = await fetch(url, {
      method,
      headers,
      signal: limited,
      ...(body === undefined ? {} : { body: new Uint8Array(body) }),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    return { status: response.status, headers: response.headers, body: bytes, url: response.url };
  });
}
