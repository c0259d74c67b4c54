export type { StoreUnderTest } from './contract-subject.js';
export * from './faulty-store.js';
export * from './object-store.contract.js';
