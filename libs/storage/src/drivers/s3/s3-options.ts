import type { Clock, Random } from '#libs/resilience';

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface S3ObjectStoreOptions extends S3Credentials {
  /** Where this process reaches the store, without the bucket: `http://minio:9000`. */
  readonly endpoint: string;
  readonly region: string;
  /** It must exist. */
  readonly bucket: string;
  /** Where clients reach the store, if they can. Presigning needs it and `reader`. */
  readonly publicEndpoint?: string;
  /** A key that may read and nothing more: presigned URLs show their key's id to everybody who is redirected. */
  readonly reader?: S3Credentials;
  /** How long the store may take to begin its answer, and to go on with it. 30 s by default. */
  readonly requestTimeoutMs?: number;
  readonly clock: Clock;
  readonly random: Random;
}

export const DRIVER = 's3';
export const DEFAULT_REQUEST_TIMEOUT_MS = 30_000;
/** A store that does not take a connection within this time is not there. */
export const CONNECT_TIMEOUT_MS = 2000;
/** A body that a slow client reads holds its socket, so there must be far more of them than the usual 50. */
export const MAX_SOCKETS = 256;
/** S3: every part but the last holds at least so much. */
export const MIN_PART_BYTES = 5 * 1024 * 1024;
/** S3: the most that one PUT may hold. */
export const MAX_PUT_BYTES = 5 * 1024 ** 3;
