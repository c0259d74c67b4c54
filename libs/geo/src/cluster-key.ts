import { hkdfSync } from 'node:crypto';

/** What a derived key may be used for. One key per purpose: a text signed for one is noise to the other. */
export type ClusterKeyPurpose = 'grant' | 'region-token' | 'upload-id';

/** HMAC-SHA256 gains nothing from more, and is weaker with less. */
export const MIN_CLUSTER_SECRET_BYTES = 32;

const KEY_BYTES = 32;

/**
 * The key of one purpose, from the secret that all processes of a cluster share (HKDF-SHA256).
 * @throws RangeError when the secret is shorter than {@link MIN_CLUSTER_SECRET_BYTES}
 */
export function deriveClusterKey(secret: Uint8Array, purpose: ClusterKeyPurpose): Uint8Array {
  requireLength(secret);
  return new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), `meridian/${purpose}/1`, KEY_BYTES));
}

function requireLength(secret: Uint8Array): void {
  if (secret.byteLength < MIN_CLUSTER_SECRET_BYTES)
    throw new RangeError(`the cluster's secret needs at least ${MIN_CLUSTER_SECRET_BYTES} bytes`);
}
