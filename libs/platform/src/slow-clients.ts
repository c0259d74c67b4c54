import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '#libs/resilience';

export interface Pace {
  readonly bytesPerSecond: number;
  /** Measured over so long: a line may stop for a while. */
  readonly overMs: number;
}

/** Looks for each span that is measured: who is too slow is cut off a quarter of it late at the most. */
const LOOKS = 4;

interface Transfer {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket;
  /** Since when this process waits for the client without a break, and what had moved by then. */
  sinceMs: number;
  moved: number;
}

/**
 * Cuts off clients that send or take fewer bytes than a line of today carries: each holds a connection, buffers, and a
 * stream of the store. A client counts only while it is waited for: who waits for us may wait as long as it takes.
 */
export class SlowClients {
  readonly #transfers = new Set<Transfer>();

  constructor(
    private readonly clock: Clock,
    private readonly pace: Pace,
    private readonly onCut: () => void,
  ) {}

  /** Watches a request until what it returns is called: when its answer is sent, or its connection is gone. */
  watch(request: IncomingMessage, response: ServerResponse): () => void {
    const { socket } = request;
    const transfer = { request, response, socket, sinceMs: this.clock.monotonic(), moved: moved(socket) };
    this.#transfers.add(transfer);
    return () => this.#transfers.delete(transfer);
  }

  /** Looks at all of them again and again; resolves when the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.clock.sleep(this.pace.overMs / LOOKS, signal).catch(() => undefined);
      for (const transfer of this.#transfers) this.#look(transfer);
    }
  }

  #look(transfer: Transfer): void {
    const { request, response, socket } = transfer;
    const nowMs = this.clock.monotonic();
    const now = moved(socket);
    const passedMs = nowMs - transfer.sinceMs;
    const enough = now - transfer.moved >= (this.pace.bytesPerSecond * passedMs) / 1_000;
    if (enough || !(waitsForBody(request) || waitsForReader(response))) {
      transfer.sinceMs = nowMs;
      transfer.moved = now;
    } else if (passedMs >= this.pace.overMs) {
      this.#transfers.delete(transfer);
      this.onCut();
      // Closing would leave what nobody reads with the kernel, and the client none the wiser.
      socket.resetAndDestroy();
    }
  }
}

/** Bytes that came from the client, or that its side of the connection took. */
function moved(socket: Socket): number {
  return socket.bytesRead + socket.bytesWritten - socket.writableLength;
}

function waitsForBody(request: IncomingMessage): boolean {
  return !request.complete && request.readableFlowing === true;
}

function waitsForReader(response: ServerResponse): boolean {
  return (response.socket?.writableLength ?? 0) > 0;
}
