export * from './fake-clock.js';
export * from './seeded-random.js';
