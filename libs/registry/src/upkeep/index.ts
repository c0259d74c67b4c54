export { UpkeepLease, UpkeepRunning } from './lease.js';
export * from './upkeep.js';
