import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import {
  CONNECT_TIMEOUT_MS,
  DEFAULT_REQUEST_TIMEOUT_MS,
  MAX_SOCKETS,
  type S3ObjectStoreOptions,
} from './s3-options.js';

/** The SDK, for everything that has XML in it. It sends each request once: the driver knows what may be repeated. */
export function createS3Client(options: S3ObjectStoreOptions): S3Client {
  const { accessKeyId, secretAccessKey } = options;
  const sockets = { keepAlive: true, maxSockets: MAX_SOCKETS };
  return new S3Client({
    endpoint: options.endpoint,
    region: options.region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({
      httpAgent: new HttpAgent(sockets),
      httpsAgent: new HttpsAgent(sockets),
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    }),
  });
}
