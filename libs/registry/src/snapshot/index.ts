export * from './journal-care.js';
export * from './region-marks.js';
export * from './take-snapshot.js';
