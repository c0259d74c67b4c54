import type { RegionName } from '#libs/geo';

/**
 * `unreachable`: no answer; `stalled`: it stopped in the middle; `refused`: it said no (4xx); `unavailable`: 5xx;
 * `protocol`: nonsense;
 * `gone`: it had that once (410).
 */
export type PeerErrorCode = 'unreachable' | 'stalled' | 'refused' | 'unavailable' | 'protocol' | 'gone';

const RETRYABLE: Readonly<Record<PeerErrorCode, boolean>> = {
  unreachable: true,
  stalled: true,
  refused: false,
  unavailable: true,
  protocol: false,
  gone: false,
};

export class PeerError extends Error {
  override readonly name = 'PeerError';
  readonly retryable: boolean;

  constructor(
    readonly code: PeerErrorCode,
    readonly region: RegionName,
    message: string,
    options: { readonly cause?: unknown } = {},
  ) {
    super(`region ${region}: ${message}`, options);
    this.retryable = RETRYABLE[code];
  }
}
