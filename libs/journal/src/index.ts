export * from './entry.js';
export * from './journal.js';
