import { systemClock } from '#libs/resilience';
import { describeObjectStore } from '../../testing/object-store.contract.js';
import { MemoryObjectStore } from './memory-object-store.js';

describeObjectStore('MemoryObjectStore', async () => {
  const store = new MemoryObjectStore({ clock: systemClock });
  return { store, another: store, close: async () => undefined };
});
