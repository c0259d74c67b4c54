/**
 * Remembers what `read` made of bytes for as long as they are the same object: a bucket that is looked into again and again
 * has changed little in between, if its reader gives the same bytes for what has not changed.
 */
export function onceFor<T>(read: (bytes: Uint8Array) => T): (bytes: Uint8Array) => T {
  const known = new WeakMap<Uint8Array, { readonly value: T }>();
  return (bytes) => {
    const found = known.get(bytes);
    if (found !== undefined) return found.value;
    const value = read(bytes);
    known.set(bytes, { value });
    return value;
  };
}
