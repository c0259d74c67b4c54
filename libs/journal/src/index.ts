export type { ApplyEntry } from './applying.js';
export * from './entry.js';
export * from './journal.js';
export * from './journal-error.js';
export * from './object-store-journal.js';
export * from './object-store-journal-reader.js';
export * from './parse-entry.js';
