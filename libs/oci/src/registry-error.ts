/**
 * Every error that the API may answer with: one row each. The first fourteen are the distribution-spec's
 * (Error Codes, code-1 … code-14); the rest are ours, and only ever travel with a status of 5xx or 412/416.
 * The HTTP layer is the only reader of `status`; nothing else maps errors to answers.
 */
export const ERROR_CODES = {
  BLOB_UNKNOWN: { status: 404, message: 'blob unknown to registry' },
  BLOB_UPLOAD_INVALID: { status: 400, message: 'blob upload invalid' },
  BLOB_UPLOAD_UNKNOWN: { status: 404, message: 'blob upload unknown to registry' },
  DIGEST_INVALID: { status: 400, message: 'provided digest did not match uploaded content' },
  MANIFEST_BLOB_UNKNOWN: { status: 404, message: 'manifest references a manifest or blob unknown to registry' },
  MANIFEST_INVALID: { status: 400, message: 'manifest invalid' },
  MANIFEST_UNKNOWN: { status: 404, message: 'manifest unknown to registry' },
  NAME_INVALID: { status: 400, message: 'invalid repository name' },
  NAME_UNKNOWN: { status: 404, message: 'repository name not known to registry' },
  SIZE_INVALID: { status: 400, message: 'provided length did not match content length' },
  UNAUTHORIZED: { status: 401, message: 'authentication required' },
  DENIED: { status: 403, message: 'requested access to the resource is denied' },
  UNSUPPORTED: { status: 405, message: 'the operation is unsupported' },
  TOOMANYREQUESTS: { status: 429, message: 'too many requests' },
  NOT_FOUND: { status: 404, message: 'no such resource' },
  RANGE_INVALID: { status: 416, message: 'the range cannot be satisfied' },
  PRECONDITION_FAILED: { status: 412, message: 'the tag is not in the state that the request asked for' },
  UNAVAILABLE: { status: 503, message: 'the registry cannot do this at the moment' },
  REPLICATION_PENDING: { status: 503, message: 'known to the registry, not yet in this region' },
  INTERNAL: { status: 500, message: 'internal error' },
} as const satisfies Record<string, { readonly status: number; readonly message: string }>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface RegistryErrorOptions {
  readonly cause?: unknown;
  /** Overrides the row's message; never holds secrets or internals, for clients read it. */
  readonly message?: string;
  /** Overrides the row's status where the spec wants the same code with another one (416 BLOB_UPLOAD_INVALID). */
  readonly status?: number;
  /** Headers the answer must carry: `Range`, `Location`, `Retry-After`, `Allow`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A failure that a client caused or has to know about. Carries a code, never a response. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    readonly code: ErrorCode,
    /** Plain JSON for the client. A list is answered as one error for each of its items. */
    readonly detail?: unknown,
    options: RegistryErrorOptions = {},
  ) {
    super(
      options.message ?? ERROR_CODES[code].message,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.status = options.status ?? ERROR_CODES[code].status;
    this.headers = options.headers ?? {};
  }
}
