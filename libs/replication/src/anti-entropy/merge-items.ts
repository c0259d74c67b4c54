/** What two ordered streams have at the same place; at least one of them has something there. */
export interface Pair<T> {
  readonly left?: T;
  readonly right?: T;
}

/** Walks two streams that are ordered by `compare` side by side, with one item of each in memory. */
export async function* merge<T>(
  left: AsyncIterable<T>,
  right: AsyncIterable<T>,
  compare: (a: T, b: T) => number,
): AsyncGenerator<Pair<T>> {
  const [lefts, rights] = [left[Symbol.asyncIterator](), right[Symbol.asyncIterator]()];
  try {
    let [a, b] = await Promise.all([lefts.next(), rights.next()]);
    while (a.done !== true || b.done !== true) {
      const order = a.done === true ? 1 : b.done === true ? -1 : compare(a.value, b.value);
      yield {
        ...(order <= 0 && a.done !== true ? { left: a.value } : {}),
        ...(order >= 0 && b.done !== true ? { right: b.value } : {}),
      };
      [a, b] = await Promise.all([order <= 0 ? lefts.next() : a, order >= 0 ? rights.next() : b]);
    }
  } finally {
    await Promise.allSettled([lefts.return?.(), rights.return?.()]);
  }
}
