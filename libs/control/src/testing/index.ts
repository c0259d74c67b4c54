export * from './memory-control-hub.js';
