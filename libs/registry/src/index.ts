export * from './listing.js';
export * from './pull.js';
export * from './push.js';
