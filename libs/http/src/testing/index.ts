export * from './sample-repository.js';
export * from './test-client.js';
export * from './test-region.js';
