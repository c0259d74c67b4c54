import type { Call } from './command.js';

/** The server could not be asked, or said no: a sentence that says what to do. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
}

/** The answer of an admin API, whatever its status. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Asks the operators' port of a region. */
export class OperatorClient {
  constructor(
    private readonly origin: string,
    private readonly ask: typeof fetch,
  ) {}

  /** @throws ServerError if nobody answers there, or somebody else does */
  async call(call: Call, signal: AbortSignal): Promise<Answer> {
    const response = await this.#send(call, call.headers ?? {}, signal);
    const content = await response.text();
    try {
      return { status: response.status, body: JSON.parse(content) };
    } catch (cause) {
      const message = `${this.origin} is not the operators' port of a registry (its answer is no JSON): see http.operatorPort`;
      throw new ServerError(message, { cause });
    }
  }

  /** @throws ServerError */
  async stream(call: Call, after: string | undefined, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const response = await this.#send(call, after === undefined ? {} : { 'last-event-id': after }, signal);
    if (response.status === 200 && response.body !== null) return response.body;
    throw new ServerError(`the server answered ${response.status}: ${await response.text()}`);
  }

  async #send(
    { method, path, query = {}, body }: Call,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ) {
    const url = new URL(`/admin/v1/${path}`, this.origin);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
    const content = body === undefined ? {} : { body };
    const typed = body === undefined ? headers : { ...headers, 'content-type': 'application/json' };
    try {
      return await this.ask(url, { method, headers: typed, signal, ...content });
    } catch (cause) {
      signal.throwIfAborted();
      const message = `nobody answers at ${this.origin}: is the registry running, and is --url or MERIDIAN_URL its operators' port?`;
      throw new ServerError(message, { cause });
    }
  }
}
