import type { Readable } from 'node:stream';
import { Agent, type Dispatcher, request } from 'undici';
import { Problem } from '../problem.js';

export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  /** Relative to the registry, or a whole `Location`. */
  readonly target: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Made anew for each hop: a redirect of an upload wants the bytes again. */
  readonly body?: () => Uint8Array | Readable;
}

export interface RegistryAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The caller reads it to its end or dumps it. */
  readonly body: Dispatcher.ResponseData['body'];
  /** Where the answer came from, after redirects. */
  readonly url: URL;
}

/** As real clients do. */
const MOST_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** A container client as small as it can be, with connections of its own: no other one has opened them for it. */
export class RegistryClient {
  /** `agent`: closed with this client. */
  constructor(
    private readonly registry: string,
    private readonly headers: Readonly<Record<string, string>>,
    private readonly agent = new Agent(),
  ) {}

  /** Follows redirects with method and body. @throws Problem for an answer of 400 or more, with what it says */
  async send(asked: RegistryRequest, signal: AbortSignal): Promise<RegistryAnswer> {
    let url = new URL(asked.target, this.registry);
    for (let hop = 0; hop <= MOST_REDIRECTS; hop += 1) {
      const answer = await this.#ask(asked, url, signal);
      const { location } = answer.headers;
      if (!REDIRECTS.has(answer.status) || location === undefined) return this.#accept(asked, answer);
      await answer.body.dump();
      url = new URL(location, url);
    }
    throw new Problem(`${this.registry} redirects without end`);
  }

  close(): Promise<void> {
    return this.agent.destroy();
  }

  async #ask(asked: RegistryRequest, url: URL, signal: AbortSignal): Promise<RegistryAnswer> {
    const { statusCode, headers, body } = await request(url, {
      dispatcher: this.agent,
      method: asked.method,
      headers: { ...this.headers, ...asked.headers },
      body: asked.body?.() ?? null,
      signal,
    });
    return { status: statusCode, headers: singleValues(headers), body, url };
  }

  async #accept(asked: RegistryRequest, answer: RegistryAnswer): Promise<RegistryAnswer> {
    if (answer.status < 400) return answer;
    const text = await answer.body.text();
    throw new Problem(`${asked.method} ${answer.url.href} was answered with ${answer.status}: ${text.slice(0, 300)}`);
  }
}

function singleValues(headers: Dispatcher.ResponseData['headers']): Readonly<Record<string, string>> {
  const entries = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return Object.fromEntries(entries);
}
