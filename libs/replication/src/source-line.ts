import { type Clock, onAbort } from '#libs/resilience';
import { Lanes } from './lanes.js';

/** One request for bytes of a big blob, from when it may be made until its bytes are here. */
export interface Turn {
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
  readonly signal: AbortSignal;
}

interface Waiting {
  readonly isUrgent: () => boolean;
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
  async turn({ isUrgent, signal }: TurnOptions): Promise<Turn> {
    signal.throwIfAborted();
    await this.#wait(isUrgent, signal);
    return this.#newTurn();
  }

  #wait(isUrgent: () => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        isUrgent,
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

  #newTurn(): Turn {
    const askedMs = this.clock.monotonic();
    let [isHeldBack, isGrowing] = [false, false];
    const goesOn = (): void => {
      if (isHeldBack) this.#heldBack -= 1;
      isHeldBack = false;
    };
    return {
      answered: (growing) => {
        if (!growing) return this.#lanes.answered(askedMs);
        this.#lanes.undecided();
        this.#growing += 1;
        isGrowing = true;
        this.#begin();
      },
      carried: (bytes) => {
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
        this.#underWay -= 1;
        this.#begin();
      },
    };
  }

  /** First who is waited for, then who came first. */
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
    return all.find(({ isUrgent }) => isUrgent()) ?? (taken < limit ? all[0] : undefined);
  }
}
