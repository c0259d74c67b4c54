export * from './peer-client.js';
export * from './peer-error.js';
export * from './region-report.js';
