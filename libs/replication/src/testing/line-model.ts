import type { Clock } from '#libs/resilience';
import { Lanes } from '../lanes.js';
import { PIECE_BYTES } from '../line-need.js';

/** What a socket is read by. */
const CHUNK_BYTES = 32 * 1024;

export interface ModelledLine {
  /** Bytes per millisecond. */
  readonly rate: number;
  readonly roundTripMs: number;
  /** What one connection may have under way. */
  readonly windowBytes?: number;
}

/**
 * A line by the laws of lines, in no time: bytes leave one after the other at its rate, in the order in which connections ask;
 * a connection is opened in a round trip, and has no more under way than its window. Lanes say how many pieces are asked for.
 */
export class LineModel {
  /** How many lanes there were, ten times a second. */
  readonly limits: number[] = [];
  /** And how long what is asked for then waits in the line. */
  readonly waits: number[] = [];
  #nowMs = 0;
  #freeAtMs = 0;
  #idleConnections = 4;
  #underWay = 0;
  #bytes = 0;
  #todo = 0;
  /** What is left of pieces that are begun and have no turn. */
  #begun: number[] = [];
  readonly #events = new Map<number, (() => void)[]>();
  readonly lanes = new Lanes({ monotonic: () => this.#nowMs } as Clock);

  constructor(private line: ModelledLine) {}

  /** It is another one from now on. */
  becomes(line: ModelledLine): void {
    this.line = line;
  }

  /** Fetches so many bytes. @returns how much of the line they used meanwhile */
  fetch(bytes: number): number {
    const [sinceMs, before] = [this.#nowMs, this.#bytes];
    this.#todo = bytes / PIECE_BYTES;
    this.#begin();
    for (let tenth = 0; this.#bytes - before < bytes; this.#nowMs += 1) {
      for (const event of this.#events.get(this.#nowMs) ?? []) event();
      this.#events.delete(this.#nowMs);
      if (this.#nowMs - sinceMs < tenth * 100) continue;
      this.limits.push(this.lanes.limit);
      this.waits.push(Math.max(0, this.#freeAtMs - this.#nowMs));
      tenth += 1;
    }
    return bytes / (this.#nowMs - sinceMs) / this.line.rate;
  }

  /** Not before the next millisecond. */
  #at(atMs: number, event: () => void): void {
    const at = Math.max(this.#nowMs + 1, Math.round(atMs));
    this.#events.set(at, [...(this.#events.get(at) ?? []), event]);
  }

  #begin(): void {
    while (this.#underWay < this.lanes.limit) {
      const goesOn = this.#begun.shift();
      const left = goesOn ?? this.#nextPiece();
      if (left === undefined) return;
      this.#underWay += 1;
      const isLast = goesOn !== undefined && this.#todo <= 0 && this.#begun.length === 0;
      const share = isLast ? Math.max(1, Math.floor(this.lanes.limit / this.#underWay)) : 1;
      const isOpen = this.#idleConnections > 0;
      if (isOpen) this.#idleConnections -= 1;
      this.#request(left, left - share * this.lanes.requestBytes, isOpen ? 0 : this.line.roundTripMs);
    }
  }

  #nextPiece(): number | undefined {
    if (this.#todo <= 0) return undefined;
    this.#todo -= 1;
    return PIECE_BYTES;
  }

  /** For what is left of a piece, or as much of it as a request asks for. */
  #request(piece: number, rest: number, openingMs: number): void {
    const askedMs = this.#nowMs;
    const { roundTripMs, windowBytes = Number.POSITIVE_INFINITY } = this.line;
    const wanted = piece - Math.max(0, rest);
    let [unsent, unheard, left] = [wanted, 0, wanted];
    const send = (): void => {
      for (; unsent > 0 && unheard < windowBytes; unsent -= CHUNK_BYTES) {
        unheard += CHUNK_BYTES;
        this.#freeAtMs = Math.max(this.#freeAtMs, this.#nowMs) + CHUNK_BYTES / this.line.rate;
        this.#at(this.#freeAtMs + roundTripMs / 2, arrive);
      }
    };
    const arrive = (): void => {
      if (left === wanted) this.lanes.answered(askedMs, false);
      left -= CHUNK_BYTES;
      this.#bytes += CHUNK_BYTES;
      this.lanes.carried(CHUNK_BYTES, this.#underWay >= this.lanes.limit);
      if (left === 0) {
        this.lanes.ended();
        this.#underWay -= 1;
        this.#idleConnections += 1;
        if (rest > 0) this.#begun.push(rest);
      }
      this.#begin();
      this.#at(this.#nowMs + roundTripMs / 2, () => {
        unheard -= CHUNK_BYTES;
        send();
      });
    };
    this.#at(askedMs + openingMs + roundTripMs / 2, send);
  }
}
