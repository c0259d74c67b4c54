import { ClientRedis, type RedisOptions } from '@nestjs/microservices';
import type { Redis } from 'ioredis';

/** Nest's Redis client, which leaves it to us to say that Redis is gone: once, not at every attempt. */
export class QuietRedisClient extends ClientRedis {
  readonly #onTrouble: (error: unknown) => void;

  constructor(options: NonNullable<RedisOptions['options']>, onTrouble: (error: unknown) => void) {
    super(options);
    this.#onTrouble = onTrouble;
  }

  override registerErrorListener(client: Redis): void {
    client.on('error', this.#onTrouble);
  }

  /** Drops the connections at once: `QUIT` would wait for an answer that a dead Redis does not give. */
  override async close(): Promise<void> {
    this.isManuallyClosed = true;
    const connections: readonly (Redis | null | undefined)[] = [this.pubClient, this.subClient];
    for (const connection of connections) connection?.disconnect();
  }
}
