export * from './http-peer-client.js';
export * from './open-peers.js';
export * from './parse-steering.js';
export * from './peer-client.js';
export * from './peer-error.js';
export * from './region-report.js';
export * from './region-steering.js';
export * from './wire.js';
