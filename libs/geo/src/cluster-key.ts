import { hkdfSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** What a derived key may be used for. One key per purpose: a text signed for one is noise to the other. */
export type ClusterKeyPurpose = 'grant' | 'region-token' | 'upload-id';

/** HMAC-SHA256 gains nothing from more, and is weaker with less. */
export const MIN_CLUSTER_SECRET_BYTES = 32;

const KEY_BYTES = 32;

/**
 * The secret of a cluster as its file holds it. Tools and editors end a file with a line end or not; every process of
 * the cluster has to read the same, so line ends at the end are not part of it.
 * @throws RangeError when it is too short · whatever reading a file throws
 */
export async function readClusterSecret(file: string): Promise<Uint8Array> {
  const content = await readFile(file);
  let end = content.byteLength;
  while (end > 0 && (content[end - 1] === LINE_FEED || content[end - 1] === CARRIAGE_RETURN)) end -= 1;
  const secret = new Uint8Array(content.subarray(0, end));
  requireLength(secret);
  return secret;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

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
