import { RegistryError } from './registry-error.js';

/** Which part of a list is asked for (distribution-spec, Listing Tags; end-8b). */
export interface PageQuery {
  /** 0 to {@link MAX_PAGE_LENGTH}. */
  readonly limit: number;
  /** Only what comes after it in byte order. */
  readonly last?: string;
}

/** The longest page, also of those who do not say how long: many clients never ask for a second one. */
export const MAX_PAGE_LENGTH = 1_000;

/** Nothing in any list is longer, so no page ever begins behind something longer. */
const MAX_LAST_LENGTH = 255;

const COUNT = /^[0-9]+$/;
const CONTROL = /\p{Cc}/u;

/** @throws RegistryError `UNSUPPORTED` with status 400 for an `n` that is no count, or a `last` that nothing can follow */
export function parsePageRequest(query: URLSearchParams): PageQuery {
  const n = query.get('n');
  if (n !== null && !COUNT.test(n)) throw refused('n must be a whole number ≥ 0');
  const last = query.get('last');
  if (last !== null && (last.length > MAX_LAST_LENGTH || CONTROL.test(last))) throw refused('malformed last');
  return { limit: Math.min(Number(n ?? MAX_PAGE_LENGTH), MAX_PAGE_LENGTH), ...(last ? { last } : {}) };
}

/** Value of the `Link` header that leads to the next page (RFC 8288). `path` is percent-encoded already. */
export function nextLink(path: string, n: number, last: string): string {
  return `<${path}?${new URLSearchParams({ n: String(n), last })}>; rel="next"`;
}

function refused(reason: string): RegistryError {
  return new RegistryError('UNSUPPORTED', { reason }, { status: 400, message: 'unsupported pagination' });
}
