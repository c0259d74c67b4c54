import type { Clock } from '#libs/resilience';
import type { ControlMessage } from './control-bus.js';
import type { ControlLog } from './control-log.js';
import { formatEnvelope, isFrom, readEnvelope } from './control-message-schema.js';
import { Listeners } from './listeners.js';
import type { ManagedControlBus } from './managed-control-bus.js';
import { Outbox } from './outbox.js';
import { PatientRedisServer } from './patient-redis-server.js';
import { QuietRedisClient } from './quiet-redis-client.js';
import { RETRY_DELAY_MS, redisOptions } from './redis-options.js';

export interface RedisControlBusOptions {
  readonly redisUrl: string;
  /** Regions may share a Redis; they do not share what they say. */
  readonly region: string;
  /** Distinguishes this process from every other one, also from its own predecessor. */
  readonly processId: string;
  readonly log: ControlLog;
  readonly clock: Clock;
}

/**
 * The bus over Redis' publish and subscribe. Redis may be absent at the start, vanish and return at any time: meanwhile
 * messages are dropped, and afterwards they flow again.
 */
export class RedisControlBus implements ManagedControlBus {
  readonly #options: RedisControlBusOptions;
  readonly #channel: string;
  readonly #listeners: Listeners;
  readonly #server: PatientRedisServer;
  readonly #client: QuietRedisClient;
  readonly #closing = new AbortController();
  readonly #outbox: Outbox;
  #hearing = false;
  /** The client has had its first connection; from then on it says itself when it has none. */
  #speaking = false;
  #complained = false;

  constructor(options: RedisControlBusOptions) {
    this.#options = options;
    this.#channel = `meridian:${options.region}:control`;
    this.#listeners = new Listeners(options.log);
    const connection = redisOptions(options.redisUrl);
    const onTrouble = (error: unknown) => this.#lost(error);
    this.#server = new PatientRedisServer(connection, {
      onReady: () => this.#found(),
      onClose: () => {
        if (this.#hearing) this.#lost(new Error('the connection was closed'));
        this.#hearing = false;
      },
      onTrouble,
      isOwn: (raw) => isFrom(options.processId, raw),
    });
    this.#client = new QuietRedisClient(connection, onTrouble);
    const send = (message: ControlMessage, more: readonly ControlMessage[]) => this.#send(message, more);
    this.#outbox = new Outbox(send, options.clock, this.#closing.signal);
  }

  get connected(): boolean {
    return this.#hearing;
  }

  start(): void {
    this.#server.addHandler(this.#channel, async (payload: unknown) => this.#receive(payload), true);
    void this.#server.listen((error) => error && this.#lost(error));
    void this.#connectClient();
  }

  publish(message: ControlMessage): void {
    if (!this.#speaking) return;
    this.#outbox.add(message);
  }

  subscribe(listener: (message: ControlMessage) => void): () => void {
    return this.#listeners.add(listener);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#speaking = false;
    await Promise.all([this.#server.close(), this.#client.close()]);
  }

  #send(message: ControlMessage, more: readonly ControlMessage[]): void {
    const envelope = formatEnvelope({ from: this.#options.processId, message, more });
    this.#client.emit(this.#channel, envelope).subscribe({ error: (error) => this.#lost(error) });
  }

  #receive(payload: unknown): void {
    const envelope = readEnvelope(payload);
    if ('unreadable' in envelope) {
      this.#options.log.debug({ reason: envelope.unreadable }, 'control message dropped');
      return;
    }
    for (const message of [envelope.message, ...envelope.more]) this.#listeners.tell(message);
  }

  /** Nest's client drops its connections when the first attempt fails; once one succeeded, it reconnects by itself. */
  async #connectClient(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#client.connect();
        this.#speaking = !signal.aborted;
        if (signal.aborted) await this.#client.close();
        return;
      } catch (error) {
        this.#lost(error);
        await this.#options.clock.sleep(RETRY_DELAY_MS, signal).catch(() => undefined);
      }
    }
  }

  #found(): void {
    this.#hearing = true;
    this.#complained = false;
    this.#options.log.info({ channel: this.#channel }, 'control bus connected');
  }

  /** Redis is allowed to be gone: that is worth one line, until it was back. */
  #lost(error: unknown): void {
    if (this.#complained || this.#closing.signal.aborted) return;
    this.#complained = true;
    this.#options.log.warn({ channel: this.#channel, err: error }, 'control bus lost: messages are dropped');
  }
}
