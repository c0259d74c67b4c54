import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

/** An answer that goes on for as long as both sides like: one JSON value per line. */
export class LineStream {
  constructor(private readonly response: ServerResponse) {
    response.writeHead(200, {
      'Content-Type': 'application/x-ndjson; charset=utf-8',
      'Cache-Control': 'no-store, no-transform',
    });
  }

  /** Resolves when more may be sent: whoever reads slowly makes us slow, not big. */
  async send(value: unknown, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.response.write(`${JSON.stringify(value)}\n`)) await once(this.response, 'drain', { signal });
  }

  end(): void {
    this.response.end();
  }
}
