export * from './sample-change.js';
