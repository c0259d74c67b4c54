export * from './region.js';
export * from './topology.js';
