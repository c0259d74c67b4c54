import { checkKey } from '../../check-request.js';
import type { PresignRequest } from '../../object-store.js';
import { toBucketKey } from './bucket-keys.js';
import { DRIVER, type S3ObjectStoreOptions } from './s3-options.js';
import { SigV4Presigner } from './sigv4-presigner.js';

/** The longest that Signature Version 4 allows. */
const MAX_EXPIRES_SECONDS = 7 * 24 * 60 * 60;

/** Presigning, if clients can reach the store and there is a key which they may see. */
export function createPresign(
  { publicEndpoint, reader, region, bucket }: S3ObjectStoreOptions,
  now: () => number,
): ((request: PresignRequest) => string) | undefined {
  if (publicEndpoint === undefined || reader === undefined) return undefined;
  const endpoint = new URL(publicEndpoint);
  const signer = new SigV4Presigner(reader, region);
  return ({ key, expiresInMs, contentType }) => {
    checkKey(key, { driver: DRIVER, operation: 'presign', key });
    return signer.sign({
      method: 'GET',
      endpoint,
      path: `${bucket}/${toBucketKey(key)}`,
      query: { 'response-content-type': contentType },
      expiresSeconds: Math.min(Math.max(Math.ceil(expiresInMs / 1000), 1), MAX_EXPIRES_SECONDS),
      nowMs: now(),
    });
  };
}
