import type fc from 'fast-check';
import type { ObjectStore } from '#libs/storage';

/** Methods whose calls one process makes while others make theirs: each waits for its turn, and so does its answer. */
const CALLS: ReadonlySet<PropertyKey> = new Set(['read', 'stat', 'open', 'put', 'write', 'delete', 'list']);

/** A store as one process sees it, whose calls take their effect, and are answered, whenever the scheduler lets them. */
export function scheduledStore(store: ObjectStore, scheduler: fc.Scheduler, name: string): ObjectStore {
  return new Proxy(store, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      if (!CALLS.has(property)) return value.bind(target);
      return async (...given: readonly unknown[]) => {
        const label = `${name} ${String(property)} ${typeof given[0] === 'string' ? given[0] : ''}`;
        await scheduler.schedule(Promise.resolve(), label);
        const answer: unknown = await Reflect.apply(value, target, given);
        await scheduler.schedule(Promise.resolve(), `${label} answered`);
        return answer;
      };
    },
  });
}
