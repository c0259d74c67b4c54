export * from './cluster-key.js';
export * from './grant.js';
export * from './region.js';
export * from './region-token.js';
export { openToken, type SignedPayload, signToken } from './signed-token.js';
export * from './topology.js';
