import { settle } from '#libs/resilience/testing';

/** A place on the heap of things to come. */
interface Event {
  readonly atMs: number;
  /** Decides between events of one time: first come, first served. */
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/**
 * Virtual time. Everything that waits, waits here; time jumps to the next event once nothing can go on without one. So an
 * hour takes as long as what happens in it, and the same events come in the same order every time.
 */
export class Scheduler {
  readonly #heap: Event[] = [];
  #nowMs = 0;
  #order = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Calls `run` after `delayMs`. @returns how to call it off */
  after(delayMs: number, run: () => void): () => void {
    const event: Event = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order, run, cancelled: false };
    this.#order += 1;
    this.#push(event);
    return () => {
      event.cancelled = true;
    };
  }

  /** Lets time pass until `done` says so, at the most until `limitMs`. @returns whether it was done */
  async run(limitMs: number, done: () => boolean): Promise<boolean> {
    for (;;) {
      await settle();
      if (done()) return true;
      const next = this.#pop();
      if (next === undefined || next.atMs > limitMs) {
        if (next !== undefined) this.#push(next);
        this.#nowMs = Math.max(this.#nowMs, limitMs);
        return false;
      }
      this.#nowMs = next.atMs;
      next.run();
    }
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#swapIfEarlier(at, parent)) break;
      at = parent;
    }
  }

  #pop(): Event | undefined {
    for (;;) {
      const top = this.#popAny();
      if (top === undefined || !top.cancelled) return top;
    }
  }

  #popAny(): Event | undefined {
    const heap = this.#heap;
    const [top] = heap;
    const last = heap.pop();
    if (top === undefined || last === undefined || top === last) return top;
    heap[0] = last;
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      const child = this.#isEarlier(left + 1, left) ? left + 1 : left;
      if (!this.#swapIfEarlier(child, at)) return top;
      at = child;
    }
  }

  #swapIfEarlier(a: number, b: number): boolean {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    if (first === undefined || second === undefined || !this.#isEarlier(a, b)) return false;
    this.#heap[a] = second;
    this.#heap[b] = first;
    return true;
  }

  #isEarlier(a: number, b: number): boolean {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    if (first === undefined || second === undefined) return false;
    return first.atMs < second.atMs || (first.atMs === second.atMs && first.order < second.order);
  }
}
