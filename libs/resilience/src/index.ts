export * from './backoff.js';
export * from './clock.js';
export * from './deadline.js';
export * from './limiter.js';
export * from './notifier.js';
export * from './random.js';
export * from './single-flight.js';
