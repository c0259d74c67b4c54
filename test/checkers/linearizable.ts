/** Operations on one object that a search takes; it is exponential in what overlaps. */
export const MAX_OPERATIONS = 60;

/** States of the search that are looked at before it gives up without a verdict. */
const MAX_STATES = 200_000;

/** One operation on an object, as the object's specification sees it. `State` is compared by its JSON. */
export interface Step<State> {
  readonly startMs: number;
  /** When its answer came; `Infinity` if none did. */
  readonly endMs: number;
  /** Whether it must have happened; what is unknown may have. */
  readonly certain: boolean;
  /** The state afterwards, or {@link IMPOSSIBLE} if it could not have been answered so in that state. */
  readonly apply: (state: State) => State | typeof IMPOSSIBLE;
}

export const IMPOSSIBLE = Symbol('an answer that this state does not give');

/**
 * Is there an order of all steps that respects their times and in which each got its answer? (Wing and Gong, with Lowe's
 * memory of states seen.) It believes nothing but the answers: what the product says of its own order is no part of it.
 * A step that ended at the very moment at which another began may have come after it.
 * `undefined` when there is too much to be searched.
 */
export function isLinearizable<State>(initial: State, steps: readonly Step<State>[]): boolean | undefined {
  const ordered = steps
    .toSorted((a, b) => a.startMs - b.startMs)
    .map((step, index) => ({ step, bit: 1n << BigInt(index) }));
  const seen = new Set<string>();
  const search = (left: typeof ordered, done: bigint, state: State): boolean | undefined => {
    if (left.every(({ step }) => !step.certain)) return true;
    const key = `${done} ${JSON.stringify(state)}`;
    if (seen.has(key)) return false;
    if (seen.size > MAX_STATES) return undefined;
    seen.add(key);
    const firstEnd = Math.min(...left.map(({ step }) => step.endMs));
    for (const candidate of left) {
      const { step, bit } = candidate;
      if (step.startMs > firstEnd) break;
      const next = step.apply(state);
      if (next === IMPOSSIBLE) continue;
      const rest = left.filter((other) => other !== candidate);
      const found = search(rest, done | bit, next);
      if (found !== false) return found;
    }
    return false;
  };
  return search(ordered, 0n, initial);
}
