export * from './replication-queue.contract.js';
