export * from './known-buckets.js';
export * from './local-summary.js';
export * from './rehash.js';
