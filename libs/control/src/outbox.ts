import type { Clock } from '#libs/resilience';
import type { ControlMessage } from './control-bus.js';

/** After something was said, blobs that are committed are told together for so long. */
const PAUSE_MS = 20;
/** More are not told at once: an envelope is read whole. */
const MOST = 100;

/**
 * What a process has to say, put together. A push of many small blobs would say each of them alone, and to say one costs a
 * tenth of the push. The first goes out at once, those that follow it shortly in one envelope; whatever else is said goes
 * out at once and takes them along.
 */
export class Outbox {
  #waiting: ControlMessage[] = [];
  #pausing = false;

  /** `signal`: nothing is said any more once it aborts. */
  constructor(
    private readonly send: (first: ControlMessage, more: readonly ControlMessage[]) => void,
    private readonly clock: Clock,
    private readonly signal: AbortSignal,
  ) {}

  add(message: ControlMessage): void {
    this.#waiting.push(message);
    const mayWait = message.kind === 'blob.committed' && this.#pausing && this.#waiting.length < MOST;
    if (!mayWait) this.#flush();
  }

  #flush(): void {
    const [first, ...more] = this.#waiting;
    if (first === undefined || this.signal.aborted) return;
    this.#waiting = [];
    this.send(first, more);
    if (!this.#pausing) void this.#pause();
  }

  async #pause(): Promise<void> {
    this.#pausing = true;
    await this.clock.sleep(PAUSE_MS, this.signal).catch(() => undefined);
    this.#pausing = false;
    this.#flush();
  }
}
