import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { anySignal, type Clock } from '#libs/resilience';
import { DelayLine } from './delay-line.js';
import type { Link } from './link.js';

export interface RelayRoute {
  /** 0 lets the system choose. */
  readonly listenPort: number;
  readonly targetPort: number;
  /** This machine by default. */
  readonly targetHost?: string;
  /** Where its connections come from, as the target sees it. */
  readonly sourceAddress?: string;
}

/** One end of a line: whoever connects here talks to the target, as far away as the link says. */
export class Relay {
  readonly #server: Server;
  readonly #closing = new AbortController();

  constructor(
    private readonly link: Link,
    private readonly route: RelayRoute,
    private readonly clock: Clock,
  ) {
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => {
      void this.#serve(client);
    });
  }

  /** @returns the port */
  async listen(): Promise<number> {
    this.#server.listen({ host: '127.0.0.1', port: this.route.listenPort });
    await once(this.#server, 'listening');
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : this.route.listenPort;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#closing.abort(new Error('the network is being taken down'));
    await closed;
  }

  /** Never rejects: a connection that fails is reset, which is what its ends would see on a real line. */
  async #serve(client: Socket): Promise<void> {
    const failed = new AbortController();
    const { signal, release } = anySignal([failed.signal, this.#closing.signal]);
    const fail = (error: Error): void => failed.abort(error);
    const forget = this.link.addConnection(() => fail(new Error('the line was cut')));
    client.on('error', fail);
    let target: Socket | undefined;
    try {
      target = await this.#reach(fail, signal);
      await this.#talk(client, target, signal);
    } catch (error) {
      failed.abort(error);
      client.resetAndDestroy();
      target?.resetAndDestroy();
    } finally {
      forget();
      release();
    }
  }

  /** The handshake: half a round trip until the target hears of it, and half until the client does. */
  async #reach(fail: (error: Error) => void, signal: AbortSignal): Promise<Socket> {
    if (this.link.settings.state === 'cut') throw new Error('the line is cut');
    await this.link.untilUp(signal);
    await this.clock.sleep(this.link.settings.roundTripMs / 2, signal);
    const target = connect({
      host: this.route.targetHost ?? '127.0.0.1',
      port: this.route.targetPort,
      localAddress: this.route.sourceAddress,
      allowHalfOpen: true,
      noDelay: true,
    });
    // From here on: a target that resets before the client hears of it would end the program.
    target.on('error', fail);
    try {
      await once(target, 'connect', { signal });
      await this.clock.sleep(this.link.settings.roundTripMs / 2, signal);
    } catch (error) {
      target.destroy();
      throw error;
    }
    return target;
  }

  async #talk(client: Socket, target: Socket, signal: AbortSignal): Promise<void> {
    const abort = (): void => {
      client.resetAndDestroy();
      target.resetAndDestroy();
    };
    signal.addEventListener('abort', abort, { once: true });
    try {
      signal.throwIfAborted();
      await Promise.all([
        new DelayLine(this.link, this.link.there, this.clock).carry(client, target, signal),
        new DelayLine(this.link, this.link.back, this.clock).carry(target, client, signal),
      ]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }
}
