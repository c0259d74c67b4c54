/** Whether a process ends before its write takes effect, or after it and before it hears of that. */
export type Moment = 'before' | 'after';

export interface Trap {
  readonly moment: Moment;
  /** Ends whoever writes; the write is held meanwhile, and never answered. */
  readonly spring: () => Promise<void>;
}

/** Waits for the n-th write that passes a proxy. */
export class WriteTrap {
  #left = 0;
  #trap: Trap | undefined;

  /** @returns when it has sprung */
  set(number: number, moment: Moment, end: () => Promise<void>): Promise<void> {
    this.#left = number;
    return new Promise((resolve, reject) => {
      const spring = (): Promise<void> => {
        const ended = end();
        ended.then(resolve, reject);
        return ended;
      };
      this.#trap = { moment, spring };
    });
  }

  /** Nobody is waited for any more. */
  disarm(): void {
    this.#trap = undefined;
  }

  /** Counts a write. @returns the trap, if it is this one's */
  take(): Trap | undefined {
    if (this.#trap === undefined) return undefined;
    this.#left -= 1;
    if (this.#left > 0) return undefined;
    const trap = this.#trap;
    this.#trap = undefined;
    return trap;
  }
}
