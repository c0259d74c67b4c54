import { LocalControlBus } from './local-control-bus.js';
import type { ManagedControlBus } from './managed-control-bus.js';
import { RedisControlBus, type RedisControlBusOptions } from './redis-control-bus.js';

/** Without `redisUrl` the region is one process. */
export type ControlBusOptions = Omit<RedisControlBusOptions, 'redisUrl'> & { readonly redisUrl?: string | undefined };

export function createControlBus({ redisUrl, ...options }: ControlBusOptions): ManagedControlBus {
  return redisUrl === undefined ? new LocalControlBus() : new RedisControlBus({ ...options, redisUrl });
}
