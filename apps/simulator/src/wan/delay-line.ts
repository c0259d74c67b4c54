import { EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';
import type { Clock } from '#libs/resilience';
import type { Lane, Link } from './link.js';

interface UnderWay {
  /** In the lane's queue. */
  readonly place: number;
  readonly chunk: Uint8Array;
  /** As the line was in that version of it. */
  arrivesMs: number;
  version: number;
}

/** Handed over, while the word of it is on its way back. */
interface Acknowledgement {
  readonly heardMs: number;
  readonly bytes: number;
}

/** Nobody sees it. */
const RETIMED = new Error('the line has changed');

/**
 * One direction of one connection: takes what `source` says and lets `destination` hear it later, in the same order.
 * What is under way is bounded by the lane's window; beyond that the source is left unread, as a full TCP window does.
 * The end of `source` travels as its bytes do, and ends only this direction.
 */
export class DelayLine {
  readonly #underWay: UnderWay[] = [];
  readonly #acknowledgements: Acknowledgement[] = [];
  readonly #changes = new EventEmitter();
  #bytes = 0;
  #ended = false;
  /** Ends a wait whose length is no longer right. */
  #retime = new AbortController();

  constructor(
    private readonly link: Link,
    private readonly lane: Lane,
    private readonly clock: Clock,
  ) {}

  /** Resolves when the last byte and the end have been handed over. Rejects with the signal's reason, or a socket's error. */
  async carry(source: Socket, destination: Socket, signal: AbortSignal): Promise<void> {
    const retime = (): void => {
      this.#retime.abort(RETIMED);
      this.#retime = new AbortController();
    };
    const ignore = this.link.onChange(retime);
    signal.addEventListener('abort', retime, { once: true });
    try {
      await Promise.all([this.#take(source, signal), this.#hand(destination, signal)]);
    } finally {
      ignore();
      signal.removeEventListener('abort', retime);
    }
  }

  async #take(source: Socket, signal: AbortSignal): Promise<void> {
    // The iterator must not destroy a socket that has only ended: its other direction lives on.
    for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      this.#send(chunk);
      this.#bytes += chunk.byteLength;
      this.#changes.emit('more');
      await this.#untilRoom(signal);
    }
    // An empty chunk carries the end: it waits for its turn and its delay.
    this.#send(new Uint8Array(0));
    this.#ended = true;
    this.#changes.emit('more');
  }

  #send(chunk: Uint8Array): void {
    const nowMs = this.clock.monotonic();
    const place = this.lane.queue(chunk.byteLength, nowMs);
    const arrivesMs = this.lane.arrival(place, nowMs) ?? nowMs + this.lane.wayBackMs;
    this.#underWay.push({ place, chunk, arrivesMs, version: this.link.version });
  }

  /** As the line is now; what has left already is not held up. */
  #arrivalOf(underWay: UnderWay, nowMs: number): number {
    if (underWay.version !== this.link.version) {
      underWay.version = this.link.version;
      underWay.arrivesMs = this.lane.arrival(underWay.place, nowMs) ?? underWay.arrivesMs;
    }
    return underWay.arrivesMs;
  }

  /** Waits until less than the window is under way. */
  async #untilRoom(signal: AbortSignal): Promise<void> {
    for (;;) {
      const now = this.clock.monotonic();
      while ((this.#acknowledgements[0]?.heardMs ?? Number.POSITIVE_INFINITY) <= now)
        this.#bytes -= this.#acknowledgements.shift()?.bytes ?? 0;
      if (this.#bytes < this.lane.windowBytes) return;
      const [next] = this.#acknowledgements;
      if (next === undefined) await once(this.#changes, 'handed', { signal });
      else await this.clock.sleep(next.heardMs - now, signal);
    }
  }

  async #hand(destination: Socket, signal: AbortSignal): Promise<void> {
    while (true) {
      const next = this.#underWay[0];
      if (next === undefined) {
        if (this.#ended) break;
        await once(this.#changes, 'more', { signal });
        continue;
      }
      const nowMs = this.clock.monotonic();
      const waitMs = this.#arrivalOf(next, nowMs) - nowMs;
      if (waitMs > 0) {
        await this.#wait(waitMs, signal);
        continue;
      }
      await this.link.untilUp(signal, this.lane);
      await this.#handArrived(destination, signal);
    }
    destination.end();
  }

  /** For so long, or until the line changes. */
  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    try {
      await this.clock.sleep(ms, this.#retime.signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error !== RETIMED) throw error;
    }
  }

  /** Everything that has arrived by now goes in one write: timers are coarser than chunks are many. */
  async #handArrived(destination: Socket, signal: AbortSignal): Promise<void> {
    const now = this.clock.monotonic();
    const later = this.#underWay.findIndex((underWay) => this.#arrivalOf(underWay, now) > now);
    const arrived = this.#underWay.splice(0, later === -1 ? this.#underWay.length : later);
    const bytes = arrived.reduce((sum, { chunk }) => sum + chunk.byteLength, 0);
    destination.cork();
    for (const { chunk } of arrived) if (chunk.byteLength > 0) destination.write(chunk);
    destination.uncork();
    if (destination.writableNeedDrain) await once(destination, 'drain', { signal });
    this.lane.count(bytes);
    this.#acknowledgements.push({ heardMs: this.clock.monotonic() + this.lane.wayBackMs, bytes });
    this.#changes.emit('handed');
  }
}
