export * from './memory-peer-client.js';
export * from './memory-region.js';
export * from './peer-client.contract.js';
