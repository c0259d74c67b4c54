/**
 * What all of them resolve to. Unlike `Promise.all` it settles only when nothing of them goes on any more: who tries again, or
 * does the opposite, must not be overtaken by what was begun before.
 */
export async function allEnded<T>(works: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(works);
  return Promise.all(works);
}
