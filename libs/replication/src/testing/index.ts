export * from './dying-object-store.js';
export * from './memory-primary.js';
export * from './primary-link.js';
export * from './replication-queue.contract.js';
