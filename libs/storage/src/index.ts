export * from './drivers/filesystem/filesystem-object-store.js';
export * from './drivers/memory/memory-object-store.js';
export * from './keys.js';
export * from './object-store.js';
export * from './storage-error.js';
