/** Which bytes a read asks for, of content whose size is known: 0-based, both ends inclusive. */
export type RequestedRange =
  | { readonly kind: 'whole' }
  | { readonly kind: 'range'; readonly start: number; readonly end: number }
  | { readonly kind: 'unsatisfiable' };

const WHOLE: RequestedRange = { kind: 'whole' };
const UNSATISFIABLE: RequestedRange = { kind: 'unsatisfiable' };
const SINGLE_RANGE = /^bytes=[ \t]*([0-9]*)-([0-9]*)[ \t]*$/i;

/**
 * Reads a `Range` header (RFC 9110, 14.1.2). Never throws: what it does not understand it ignores, as a server may
 * (14.2), and so it does with several ranges at once. Empty content is always asked for as a whole: clients that put
 * `bytes=0-` on everything would otherwise fail on it.
 */
export function parseByteRange(header: string | undefined, size: number): RequestedRange {
  const [, first, last] = SINGLE_RANGE.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || size === 0) return WHOLE;
  if (first === '') return last === '' ? WHOLE : suffix(Number(last), size);
  const start = Number(first);
  const end = last === '' ? Number.POSITIVE_INFINITY : Number(last);
  if (end < start) return WHOLE;
  if (start >= size) return UNSATISFIABLE;
  return { kind: 'range', start, end: Math.min(end, size - 1) };
}

function suffix(length: number, size: number): RequestedRange {
  if (length === 0) return UNSATISFIABLE;
  return { kind: 'range', start: Math.max(0, size - length), end: size - 1 };
}
