export type { StoreUnderTest } from './contract-subject.js';
export * from './object-store.contract.js';
