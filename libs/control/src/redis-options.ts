import type { RedisOptions } from '@nestjs/microservices';

type Options = NonNullable<RedisOptions['options']>;

/** Nest gives up for good after the last attempt: there must not be a last one. */
const RETRY_ATTEMPTS = Number.MAX_SAFE_INTEGER;
export const RETRY_DELAY_MS = 500;
/** How long an ended connection may linger; a dead Redis never closes its side. */
const DISCONNECT_MS = 100;

/**
 * How both sides of the bus connect. Nothing is queued while there is no connection: a message is about now, and what
 * waited for Redis would be told when it is no longer true.
 */
export function redisOptions(redisUrl: string): Options {
  const url = new URL(redisUrl);
  const database = Number(url.pathname.slice(1));
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 6379),
    ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
    ...(database > 0 ? { db: database } : {}),
    ...(url.protocol === 'rediss:' ? { tls: {} } : {}),
    retryAttempts: RETRY_ATTEMPTS,
    retryDelay: RETRY_DELAY_MS,
    enableOfflineQueue: false,
    disconnectTimeout: DISCONNECT_MS,
    autoResubscribe: false,
  };
}
