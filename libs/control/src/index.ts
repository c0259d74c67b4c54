export * from './control-bus.js';
export * from './control-log.js';
export * from './create-control-bus.js';
export * from './heartbeat-registry.js';
export * from './local-control-bus.js';
export * from './managed-control-bus.js';
export * from './redis-control-bus.js';
