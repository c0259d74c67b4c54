import { type Clock, nextTurn } from '#libs/resilience';
import type { ControlMessage } from './control-bus.js';

/** After something was said, blobs that are committed are told together for so long. */
const PAUSE_MS = 20;
/** More are not told at once: an envelope is read whole. */
const MOST = 100;

/**
 * What a process has to say, put together. A push of many small blobs would say each of them alone, and to say one costs a
 * tenth of the push. The first goes out at once, those that follow it shortly in one envelope; whatever else is said goes
 * out at once and takes them along. A heartbeat lets what is said at the same moment go first: each envelope wakes Redis and
 * every process of the region, its sender too.
 */
export class Outbox {
  #waiting: ControlMessage[] = [];
  /** When something was last said, by the monotonic clock. */
  #saidMs = Number.NEGATIVE_INFINITY;
  #pausing = false;

  /** `signal`: nothing is said any more once it aborts. */
  constructor(
    private readonly send: (first: ControlMessage, more: readonly ControlMessage[]) => void,
    private readonly clock: Clock,
    private readonly signal: AbortSignal,
  ) {}

  add(message: ControlMessage): void {
    this.#waiting.push(message);
    if (message.kind === 'process.heartbeat') {
      void nextTurn().then(() => this.#flush());
      return;
    }
    const pauseMs = this.#saidMs + PAUSE_MS - this.clock.monotonic();
    const mayWait = message.kind === 'blob.committed' && pauseMs > 0 && this.#waiting.length < MOST;
    if (!mayWait) this.#flush();
    else if (!this.#pausing) void this.#pause(pauseMs);
  }

  #flush(): void {
    const [first, ...more] = this.#waiting;
    if (first === undefined || this.signal.aborted) return;
    this.#waiting = [];
    this.#saidMs = this.clock.monotonic();
    this.send(first, more);
  }

  /** Only while something waits: a timer for each word would wake an idle process once more. */
  async #pause(pauseMs: number): Promise<void> {
    this.#pausing = true;
    await this.clock.sleep(pauseMs, this.signal).catch(() => undefined);
    this.#pausing = false;
    this.#flush();
  }
}
