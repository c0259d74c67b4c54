import { type Clock, onAbort } from '#libs/resilience';
import { Lanes } from './lanes.js';

/** One request for bytes of a big blob, from when it may be made until its bytes are here. */
export interface Turn {
  /** As many as it may ask for. */
  readonly bytes: number;
  /** It was answered; `growing` by a source that is only just getting the bytes itself. */
  answered(growing: boolean): void;
  carried(bytes: number): void;
  /** Bytes that are here wait before more are taken, until {@link goesOn}: it uses nothing of the line meanwhile. */
  heldBack(): void;
  goesOn(): void;
  /** Once, whatever came of it. */
  end(): void;
}

export interface TurnOptions {
  /** Whether somebody waits for these bytes right now; asked whenever there is a turn to be given. */
  readonly isUrgent: () => boolean;
  /** It goes on with a piece: those are finished before others are begun. */
  readonly goesOn: boolean;
  readonly signal: AbortSignal;
}

interface Waiting {
  readonly isUrgent: () => boolean;
  readonly goesOn: boolean;
  readonly begin: () => void;
}

/**
 * The line to one source, as all copies of big blobs share it. No more is asked for than fills it, so nothing waits behind
 * much; and what somebody waits for is asked for before what is only copied.
 */
export class SourceLine {
  readonly #lanes: Lanes;
  readonly #waiting = new Set<Waiting>();
  #underWay = 0;
  /** Of them those that are held back: who is waited for does not wait for them. */
  #heldBack = 0;
  /** And those whose bytes trickle, for the source gets them itself: two of them take as much of the line as one. */
  #growing = 0;

  constructor(private readonly clock: Clock) {
    this.#lanes = new Lanes(clock);
  }

  /** Resolves when the request may be made. Rejects with the signal's reason. */
  async turn(options: TurnOptions): Promise<Turn> {
    options.signal.throwIfAborted();
    await this.#wait(options);
    return this.#newTurn(options.goesOn);
  }

  #wait({ isUrgent, goesOn, signal }: TurnOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        isUrgent,
        goesOn,
        begin: () => {
          stop();
          resolve();
        },
      };
      const stop = onAbort(signal, () => {
        this.#waiting.delete(waiting);
        reject(signal.reason);
      });
      this.#waiting.add(waiting);
      this.#begin();
    });
  }

  /** The last pieces share what the line needs under way: nobody else asks for it. */
  #bytesOf(goesOn: boolean): number {
    const { limit, requestBytes } = this.#lanes;
    const share = goesOn && this.#waiting.size === 0 ? Math.max(1, Math.floor(limit / this.#underWay)) : 1;
    return requestBytes * share;
  }

  #newTurn(isGoingOn: boolean): Turn {
    const askedMs = this.clock.monotonic();
    let [isHeldBack, isGrowing, hasCarried] = [false, false, false];
    const goesOn = (): void => {
      if (isHeldBack) this.#heldBack -= 1;
      isHeldBack = false;
    };
    return {
      bytes: this.#bytesOf(isGoingOn),
      answered: (growing) => {
        this.#lanes.answered(askedMs, growing);
        if (!growing) return;
        this.#growing += 1;
        isGrowing = true;
        this.#begin();
      },
      carried: (bytes) => {
        hasCarried = true;
        this.#lanes.carried(bytes, this.#underWay >= this.#lanes.limit);
        this.#begin();
      },
      heldBack: () => {
        this.#lanes.undecided();
        if (!isHeldBack) this.#heldBack += 1;
        isHeldBack = true;
        this.#begin();
      },
      goesOn,
      end: () => {
        goesOn();
        if (isGrowing) this.#growing -= 1;
        if (hasCarried) this.#lanes.ended();
        this.#underWay -= 1;
        this.#begin();
      },
    };
  }

  /** First who is waited for, then what is begun, then who came first. */
  #begin(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#waiting.delete(next);
      this.#underWay += 1;
      next.begin();
    }
  }

  #next(): Waiting | undefined {
    const { limit } = this.#lanes;
    const taken = this.#underWay - Math.ceil(this.#growing / 2);
    if (this.#waiting.size === 0 || taken - this.#heldBack >= limit) return undefined;
    const all = [...this.#waiting];
    const urgent = all.find(({ isUrgent }) => isUrgent());
    if (urgent !== undefined || taken >= limit) return urgent;
    return all.find(({ goesOn }) => goesOn) ?? all[0];
  }
}
