export * from './bull-replication-queue.js';
