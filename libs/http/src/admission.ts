import type { ServerResponse } from 'node:http';
import { RegistryError } from '#libs/oci';

/** Requests that compete for the same places. A flood of pulls keeps neither pushes out, nor regions from following. */
export const LANES = ['pulls', 'pushes', 'copies'] as const;
export type Lane = (typeof LANES)[number];

export interface AdmissionOptions {
  /** How many requests of each lane may be under way. */
  readonly places: Readonly<Record<Lane, number>>;
  readonly onChange?: (lane: Lane, underWay: number) => void;
  readonly onRefused?: (lane: Lane) => void;
}

/**
 * A place for each request that is under way, until the last byte of its answer is gone or its connection is: what a
 * request holds it may hold for that long. Nobody waits for a place, for whoever waits holds something too: there is one,
 * or the answer is 503 with `Retry-After`. Not 429: docker takes that for final, and comes again after a 503.
 */
export class Admission {
  readonly #underWay: Record<Lane, number> = { pulls: 0, pushes: 0, copies: 0 };

  constructor(private readonly options: AdmissionOptions) {}

  /** @throws RegistryError `UNAVAILABLE` if all places are taken */
  admit(lane: Lane, response: ServerResponse): void {
    if (this.#underWay[lane] >= this.options.places[lane]) {
      this.options.onRefused?.(lane);
      throw new RegistryError('UNAVAILABLE', undefined, { message: 'too many requests are under way' });
    }
    if (response.closed) return;
    this.#change(lane, 1);
    response.once('close', () => this.#change(lane, -1));
  }

  #change(lane: Lane, by: 1 | -1): void {
    this.#underWay[lane] += by;
    this.options.onChange?.(lane, this.#underWay[lane]);
  }
}
