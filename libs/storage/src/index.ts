export * from './drivers/filesystem/filesystem-object-store.js';
export * from './drivers/memory/memory-object-store.js';
export * from './drivers/s3/s3-object-store.js';
export type { S3Credentials, S3ObjectStoreOptions } from './drivers/s3/s3-options.js';
export * from './keys.js';
export * from './object-store.js';
export * from './probe.js';
export * from './storage-error.js';
