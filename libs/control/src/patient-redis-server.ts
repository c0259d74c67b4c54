import { type RedisOptions, ServerRedis } from '@nestjs/microservices';
import type { Redis } from 'ioredis';

export interface PatientRedisEvents {
  /** Subscribed: from now on everything is heard. */
  readonly onReady: () => void;
  /** The connection is gone. Another one is being tried. */
  readonly onClose: () => void;
  readonly onTrouble: (error: unknown) => void;
  /** Whether a message need not even be looked into: Redis gives a process back what it said itself. */
  readonly isOwn: (raw: string) => boolean;
}

/**
 * Nest's Redis server, for a Redis that may not be there yet, or go and come back. Nest's own fails to listen, and
 * stays deaf, when the first attempt to connect fails. This one listens at once and subscribes whenever a connection
 * becomes ready, the first one or any later one.
 */
export class PatientRedisServer extends ServerRedis {
  readonly #events: PatientRedisEvents;

  constructor(options: NonNullable<RedisOptions['options']>, events: PatientRedisEvents) {
    super(options);
    this.#events = events;
  }

  /** Events are not answered, so the connection that would publish answers is never opened. */
  override start(callback?: () => void): void {
    if (this.isManuallyClosed) return;
    const subscriber: Redis = this.subClient;
    const hear = this.getMessageHandler(this.pubClient);
    subscriber.on('message', (...said: Parameters<typeof hear>) => {
      // Without patterns the second is the message.
      const [, raw] = said;
      if (!this.#events.isOwn(raw)) void hear(...said);
    });
    subscriber.on('ready', () => void this.#subscribe(subscriber));
    subscriber.on('close', this.#events.onClose);
    subscriber.connect().catch(this.#events.onTrouble);
    callback?.();
  }

  override async close(): Promise<void> {
    this.isManuallyClosed = true;
    const connections: readonly (Redis | undefined)[] = [this.subClient, this.pubClient];
    for (const connection of connections) connection?.disconnect();
  }

  override registerErrorListener(client: Redis): void {
    client.on('error', this.#events.onTrouble);
  }

  /** What these two would log is said once, by who is told. */
  override registerReconnectListener(): void {}
  override registerEndListener(): void {}
  override registerReadyListener(): void {}

  async #subscribe(subscriber: Redis): Promise<void> {
    try {
      await subscriber.subscribe(...this.getHandlers().keys());
      this.#events.onReady();
    } catch (error) {
      this.#events.onTrouble(error); // The connection broke again: there will be another `ready`.
    }
  }
}
