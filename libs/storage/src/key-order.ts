const FIRST_SURROGATE = 0xd800;
const LAST_SURROGATE = 0xdfff;

/** Orders keys as stores do: by the bytes of their UTF-8. */
export function compareKeys(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at++) {
    const difference = rank(a.charCodeAt(at)) - rank(b.charCodeAt(at));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** UTF-16 puts surrogates before U+E000 to U+FFFF; UTF-8 puts what they stand for after. */
function rank(codeUnit: number): number {
  return codeUnit >= FIRST_SURROGATE && codeUnit <= LAST_SURROGATE ? codeUnit + 0x10000 : codeUnit;
}

/** The first index at which `sorted` holds `target` or something after it. */
export function lowerBound(sorted: readonly string[], target: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(sorted[middle] ?? '', target) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Sorts in place. The engine's own order is the same, and much faster, when no surrogate is among them. */
export function sortKeys(keys: string[]): string[] {
  return keys.some((key) => /[\ud800-\udfff]/.test(key)) ? keys.sort(compareKeys) : keys.sort();
}
