import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { nextTurn } from '#libs/resilience';

/** A client that sends nothing for so long, while we wait for it, has gone or holds a connection on purpose. */
const STALL_MS = 30_000;

/**
 * So many bytes of one body are taken in, and hashed and copied by whoever reads it, before everybody else has a turn. A
 * socket that is always full gives 2 MiB at a time: some milliseconds for each upload, and small requests wait for them all.
 */
const BYTES_PER_TURN = 128 * 1024;

/**
 * A request's body as a stream of its own. Destroying a request cuts the connection, and the answer with it; whoever
 * reads this one may fail, and the client still hears why. It fails when the body breaks off, and cuts off a client
 * that stopped to send. A request has at most one.
 */
export class IncomingBody extends Readable {
  #waiting = false;
  #takenThisTurn = 0;

  constructor(
    private readonly request: IncomingMessage,
    options: { readonly stallMs?: number } = {},
  ) {
    // It holds nothing back: the request and the kernel do, and uploads that wait for memory are many.
    super({ highWaterMark: 0 });
    // A body that nobody reads may break off without anybody minding; whoever reads it hears of it all the same.
    this.on('error', () => undefined);
    request.on('data', this.#take);
    request.once('end', this.#end);
    request.on('error', this.#fail);
    request.once('close', this.#close);
    request.on('timeout', this.#stalled);
    request.socket.setTimeout(options.stallMs ?? STALL_MS);
    request.pause();
  }

  override _read(): void {
    this.#waiting = true;
    if (this.#takenThisTurn < BYTES_PER_TURN) this.request.resume();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#leave();
    done(error);
  }

  readonly #take = (chunk: Buffer): void => {
    this.#takenThisTurn += chunk.length;
    const tookItsTurn = this.#takenThisTurn >= BYTES_PER_TURN;
    if (tookItsTurn) void nextTurn().then(this.#goOn);
    this.#waiting = this.push(chunk);
    if (tookItsTurn || !this.#waiting) this.request.pause();
  };

  readonly #goOn = (): void => {
    this.#takenThisTurn = 0;
    if (this.#waiting && !this.destroyed) this.request.resume();
  };

  readonly #end = (): void => {
    this.#leave();
    this.push(null);
  };

  readonly #fail = (error: Error): void => {
    this.destroy(error);
  };

  readonly #close = (): void => {
    if (!this.request.complete) this.destroy(new Error('the body broke off'));
  };

  /** The socket counts; it cannot know whether it was us who did not read. */
  readonly #stalled = (): void => {
    if (this.#waiting) this.request.destroy(new Error('the body stopped coming'));
  };

  /** The listener of errors stays: a request that fails with nobody listening would end the process. */
  #leave(): void {
    const { request } = this;
    request.off('data', this.#take);
    request.off('end', this.#end);
    request.off('close', this.#close);
    request.off('timeout', this.#stalled);
    request.pause();
    request.socket?.setTimeout(0);
  }
}
