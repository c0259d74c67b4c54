export * from './descriptor.js';
export * from './digest.js';
export * from './manifest.js';
export * from './reference.js';
export * from './registry-error.js';
