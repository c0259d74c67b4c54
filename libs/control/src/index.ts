export * from './control-bus.js';
