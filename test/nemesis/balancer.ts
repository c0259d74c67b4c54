import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';

/** Spreads connections over the processes of one service; one that takes no connection is passed by. */
export class Balancer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #next = 0;

  constructor(private readonly targets: readonly number[]) {
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => {
      this.#serve(client).catch(() => client.resetAndDestroy());
    });
  }

  async listen(port: number): Promise<void> {
    this.#server.listen({ host: '127.0.0.1', port });
    await once(this.#server, 'listening');
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(client: Socket): Promise<void> {
    this.#keep(client);
    const target = await this.#reach();
    this.#keep(target);
    try {
      await Promise.all([pipeline(client, target), pipeline(target, client)]);
    } catch {
      client.resetAndDestroy();
      target.resetAndDestroy();
    }
  }

  async #reach(): Promise<Socket> {
    this.#next += 1;
    const start = this.#next;
    for (let tried = 0; tried < this.targets.length; tried += 1) {
      const port = this.targets[(start + tried) % this.targets.length] ?? 0;
      const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true });
      try {
        await once(socket, 'connect');
        return socket;
      } catch {
        socket.destroy();
      }
    }
    throw new Error('nobody takes a connection');
  }

  #keep(socket: Socket): void {
    socket.on('error', () => undefined);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}
