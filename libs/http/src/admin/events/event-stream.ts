import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type Clock, withDeadline } from '#libs/resilience';
import type { FeedEvent } from './event-feed.js';

/** Who takes nothing for so long is gone, or as good as gone. */
const STALLED_MS = 30_000;

/** Server-sent events (HTML Living Standard, 9.2) on an answer that goes on for as long as both sides like. */
export class EventStream {
  constructor(
    private readonly response: ServerResponse,
    private readonly clock: Clock,
  ) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store, no-transform' });
    // How long a browser waits before it comes again.
    response.write('retry: 2000\n\n');
  }

  /** Resolves when more may be sent: who reads slowly makes us slow, not big. */
  async send({ event, data, id }: FeedEvent, signal: AbortSignal): Promise<void> {
    const place = id === undefined ? '' : `id: ${id}\n`;
    await this.#write(`event: ${event}\n${place}data: ${JSON.stringify(data)}\n\n`, signal);
  }

  async heartbeat(signal: AbortSignal): Promise<void> {
    await this.#write(': still here\n\n', signal);
  }

  end(): void {
    this.response.end();
  }

  async #write(text: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.response.write(text)) return;
    await withDeadline(signal, STALLED_MS, this.clock, (limited) => once(this.response, 'drain', { signal: limited }));
  }
}
