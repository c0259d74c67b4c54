export * from './peer-client.js';
export * from './peer-error.js';
