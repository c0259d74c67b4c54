import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { onAbort } from '#libs/resilience';

export interface WholeAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Of an answer that is longer than was wanted, no more than came of it so far. */
  readonly bytes: Buffer;
}

/**
 * Sends a request, and gathers its answer in memory: for what is small, without the stream that a large one needs, which
 * costs more than all the rest. Of an answer of more than `maxBytes` the rest is left unread, and its connection ends.
 */
export function wholeAnswer(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  maxBytes: number,
  signal: AbortSignal,
): Promise<WholeAnswer> {
  return new Promise((resolve, reject) => {
    const gathering = new Gathering(maxBytes, resolve, reject);
    const stop = onAbort(signal, () => gathering.abort(signal.reason));
    gathering.onSettled = stop;
    if (!signal.aborted) dispatcher.dispatch(request, gathering);
  });
}

class Gathering implements Dispatcher.DispatchHandler {
  onSettled: () => void = () => undefined;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #controller: Dispatcher.DispatchController | undefined;
  #aborted: Error | undefined;

  constructor(
    private readonly maxBytes: number,
    private readonly resolve: (answer: WholeAnswer) => void,
    private readonly reject: (error: Error) => void,
  ) {}

  /** Whoever asked does not wait for a connection to take note of it. */
  abort(reason: unknown): void {
    this.#aborted = reason instanceof Error ? reason : new Error('aborted', { cause: reason });
    this.#controller?.abort(this.#aborted);
    this.reject(this.#aborted);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#aborted !== undefined) controller.abort(this.#aborted);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
    if (Number(headers['content-length']) > this.maxBytes) this.#enough();
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > this.maxBytes) this.#enough();
  }

  onResponseEnd(): void {
    this.#settle();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.onSettled();
    this.reject(error);
  }

  #enough(): void {
    this.#settle();
    this.#controller?.abort(new Error('the answer is longer than wanted'));
  }

  #settle(): void {
    this.onSettled();
    // A copy: what is kept of few bytes must not keep all that came with them.
    this.resolve({ status: this.#status, headers: this.#headers, bytes: Buffer.concat(this.#chunks, this.#bytes) });
  }
}
