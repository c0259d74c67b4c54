import type { IncomingHttpHeaders } from 'node:http';

/** What the driver reads of an answer's header. */
export interface ResponseHeaders {
  readonly etag: string;
  /** `NaN` if the store did not say it. */
  readonly contentLength: number;
  readonly contentRange: string;
  /** Milliseconds since the epoch by the store's clock, if it said so. */
  readonly lastModifiedMs?: number;
  readonly dateMs?: number;
}

export function readHeaders(headers: IncomingHttpHeaders): ResponseHeaders {
  const text = (name: string) => String(headers[name] ?? '');
  const lastModifiedMs = Date.parse(text('last-modified'));
  const dateMs = Date.parse(text('date'));
  return {
    etag: text('etag'),
    contentLength: Number.parseInt(text('content-length'), 10),
    contentRange: text('content-range'),
    ...(!Number.isNaN(lastModifiedMs) && { lastModifiedMs }),
    ...(!Number.isNaN(dateMs) && { dateMs }),
  };
}
