import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RegionName, RegionSite } from '#libs/geo';
import type { JournalMessage, RegionStatus } from '#libs/peer';
import { PeerError } from '#libs/peer';
import type { RegionFeed } from '../region-feed.js';

/** What a fake region was asked. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

type Answer = (seen: SeenRequest, response: ServerResponse) => void;

/** A region that says and answers what a test wants: a feed in memory, and a registry on a real socket. */
export class FakeRegion implements RegionFeed {
  readonly seen: SeenRequest[] = [];
  answer: Answer = (_seen, response) => response.end();
  head = 0;
  /** The `after` of every time that its journal was opened. */
  readonly journalsFrom: number[] = [];
  /** The head that its journal begins with, if that is not what its status says. */
  journalHead: number | undefined;
  refuseJournal = false;
  /** Answers while a request's body is on its way, and leaves the rest of it unread, as a registry does that refuses. */
  leavesBodies = false;
  readonly #server: Server;
  readonly #statuses = new Broadcast<RegionStatus>();
  readonly #journal = new Broadcast<JournalMessage>();

  constructor(
    readonly region: RegionName,
    readonly role: RegionSite['role'],
  ) {
    this.#server = createServer((request, response) => void this.#handle(request, response));
  }

  async start(): Promise<RegionSite> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const { port } = this.#server.address() as AddressInfo;
    const publicUrl = `http://${this.region}.registry.test`;
    return { name: this.region, role: this.role, publicUrl, peerUrl: `http://127.0.0.1:${port}` };
  }

  async stop(): Promise<void> {
    this.#statuses.end();
    this.#journal.end();
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  /** How many are listening to its status right now. */
  get listeners(): number {
    return this.#statuses.size;
  }

  get journalListeners(): number {
    return this.#journal.size;
  }

  say(fields: Partial<RegionStatus> = {}): void {
    this.#statuses.send(this.statusOf(fields));
  }

  tell(message: JournalMessage): void {
    this.#journal.send(message);
  }

  breakOff(): void {
    this.#statuses.end(new PeerError('stalled', this.region, 'broke off'));
  }

  statusStream(signal: AbortSignal): AsyncIterable<RegionStatus> {
    return this.#statuses.listen(signal);
  }

  async status(): Promise<RegionStatus> {
    return this.statusOf({});
  }

  journal(after: number, signal: AbortSignal): AsyncIterable<JournalMessage> {
    this.journalsFrom.push(after);
    if (this.refuseJournal) throw new PeerError('refused', this.region, 'no such entry');
    const seq = this.journalHead ?? Math.max(this.head, after);
    return this.#journal.listen(signal, { kind: 'head', seq, epoch: 1, timeMs: 0 });
  }

  statusOf(fields: Partial<RegionStatus>): RegionStatus {
    return {
      region: this.region,
      role: this.role,
      ready: true,
      generation: 'g',
      epoch: 1,
      watermark: this.head,
      beyond: [],
      head: this.head,
      oldestPendingMs: undefined,
      backlog: { entries: 0, bytes: 0 },
      heardMs: 0,
      policySeq: 0,
      failed: [],
      lagSeconds: 0,
      timeMs: 0,
      ...fields,
    };
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      if (!this.leavesBodies) for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return; // the router gave up in the middle of a body
    }
    const { method = '', url = '', headers } = request;
    const seen = { method, url, headers, body: Buffer.concat(chunks) };
    this.seen.push(seen);
    this.answer(seen, response);
  }
}

/** Sends each message to everybody who listens at that moment. */
class Broadcast<T> {
  readonly #listeners = new Set<{ send(value: T): void; end(error?: Error): void }>();

  get size(): number {
    return this.#listeners.size;
  }

  send(value: T): void {
    for (const listener of this.#listeners) listener.send(value);
  }

  end(error?: Error): void {
    for (const listener of this.#listeners) listener.end(error);
  }

  async *listen(signal: AbortSignal, ...first: T[]): AsyncGenerator<T> {
    const waiting: T[] = first;
    let ended: { readonly error?: Error | undefined } | undefined;
    let wake: () => void = () => undefined;
    const listener = {
      send: (value: T) => {
        waiting.push(value);
        wake();
      },
      end: (error?: Error) => {
        ended = { error };
        wake();
      },
    };
    const abort = () => listener.end();
    signal.addEventListener('abort', abort);
    this.#listeners.add(listener);
    try {
      for (;;) {
        const next = waiting.shift();
        if (next !== undefined) yield next;
        else if (ended !== undefined) break;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
      if (ended?.error !== undefined) throw ended.error;
    } finally {
      this.#listeners.delete(listener);
      signal.removeEventListener('abort', abort);
    }
  }
}
