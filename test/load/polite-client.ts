import { createHash, randomBytes } from 'node:crypto';
import { systemClock } from '#libs/resilience';
import { type Answer, HttpConnection, headerOf, type RequestOptions } from '../bench/lib/http-connection.js';
import type { Fate, Tally } from './tally.js';

/** What is not answered by then hangs. */
const LATE_MS = 120_000;
const NEVER = new AbortController().signal;

export const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
export const bodyOf = (bytes: Buffer) => ({ bytes: bytes.length, pieces: () => [[bytes]] });

/** Asks one thing after the other, on a connection that it opens anew when the last one was closed. */
export class PoliteClient {
  #connection: HttpConnection | undefined;

  constructor(private host: string) {}

  /** Goes on at another process. */
  moveTo(host: string): void {
    this.close();
    this.host = host;
  }

  /** What became of it, and the answer if there was one. `good`: the status that was hoped for. */
  async ask(
    tally: Tally,
    good: number,
    method: string,
    path: string,
    options: RequestOptions = {},
  ): Promise<{ readonly fate: Fate; readonly answer?: Answer }> {
    const startMs = systemClock.monotonic();
    const outcome = await this.#try(method, path, options);
    tally.add(outcome.fate, systemClock.monotonic() - startMs, outcome.fate === good);
    if (outcome.answer === undefined || /^connection: close/im.test(outcome.answer.head)) this.close();
    return outcome;
  }

  /** Pushes a blob of noise in one request. */
  async pushNoise(tally: Tally, repository: string, bytes: number) {
    const noise = randomBytes(bytes);
    const digest = sha256(noise);
    const path = `/v2/${repository}/blobs/uploads/?digest=${digest}`;
    return { digest, ...(await this.ask(tally, 201, 'POST', path, { body: bodyOf(noise) })) };
  }

  /** Pushes a blob of noise as docker does: a session, its bytes without a length, the end. True if it was taken. */
  async uploadNoise(tally: Tally, repository: string, bytes: number): Promise<boolean> {
    const noise = randomBytes(bytes);
    const begun = await this.ask(tally, 202, 'POST', `/v2/${repository}/blobs/uploads/`);
    const body = { ...bodyOf(noise), chunked: true };
    const patched = await this.ask(tally, 202, 'PATCH', locationOf(begun.answer), { body, keepBody: true });
    if (patched.fate !== 202) tally.wonder(`PATCH: ${patched.answer?.body ?? patched.fate}`);
    const end = locationOf(patched.answer);
    const query = `${end.includes('?') ? '&' : '?'}digest=${sha256(noise)}`;
    return (await this.ask(tally, 201, 'PUT', `${end}${query}`)).fate === 201;
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  async #try(method: string, path: string, options: RequestOptions): Promise<{ fate: Fate; answer?: Answer }> {
    try {
      this.#connection ??= await HttpConnection.open(this.host);
    } catch {
      return { fate: 'refused' };
    }
    const settled = new AbortController();
    try {
      const late = systemClock.sleep(LATE_MS, settled.signal).then(() => undefined);
      const answer = await Promise.race([this.#connection.request(method, path, options), late]);
      return answer === undefined ? { fate: 'late' } : { fate: answer.status, answer };
    } catch {
      return { fate: 'cut' };
    } finally {
      settled.abort();
    }
  }
}

export const pause = (ms: number): Promise<void> => systemClock.sleep(ms, NEVER);

function locationOf(answer: Answer | undefined): string {
  const location = answer === undefined ? undefined : headerOf(answer, 'location');
  const { pathname, search } = new URL(location ?? '/nowhere', 'http://127.0.0.1');
  return `${pathname}${search}`;
}
