import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  /** The status line and all headers, as they came. */
  readonly head: string;
  readonly bodyBytes: number;
  /** Only when it was asked for. */
  readonly body: string;
}

export interface Body {
  readonly bytes: number;
  /** Sent with `Transfer-Encoding: chunked`, as clients do that do not know the length. */
  readonly chunked?: boolean;
  /** Each is sent in one write. */
  readonly pieces: () => Iterable<readonly Buffer[]>;
}

interface Pending {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
  readonly headOnly: boolean;
  readonly keepBody: boolean;
}

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Body;
  readonly keepBody?: boolean;
}

const READ_BYTES = 1024 * 1024;
const END_OF_HEAD = Buffer.from('\r\n\r\n');
const END_OF_CHUNKS = Buffer.from('0\r\n\r\n');
const NO_BODY = new Set([204, 304]);

/**
 * One connection that speaks just enough HTTP/1.1 to ask one thing after the other, at a few microseconds for each: the
 * client must never be what is measured. Bodies are counted, not copied.
 */
export class HttpConnection {
  #pending: Pending | undefined;
  #head: Buffer = Buffer.alloc(0);
  #answer: { status: number; head: string; left: number; tail: Buffer } | undefined;
  #bodyBytes = 0;
  #body: Buffer[] = [];
  readonly #socket: Socket;

  private constructor(private readonly host: string) {
    const { hostname, port } = new URL(`http://${host}`);
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    this.#socket = connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: { buffer, callback: (length) => this.#hear(buffer.subarray(0, length)) },
    });
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error(`${host} closed the connection`)));
  }

  static async open(host: string): Promise<HttpConnection> {
    const connection = new HttpConnection(host);
    await once(connection.#socket, 'connect');
    return connection;
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Asks for something without a body, with a head that was made before: `prepareHead`. */
  ask(head: Buffer, headOnly = false): Promise<Answer> {
    const answer = this.#expect(headOnly, false);
    this.#socket.write(head);
    return answer;
  }

  async request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const { headers = {}, body, keepBody = false } = options;
    const length = body?.chunked === true ? { 'transfer-encoding': 'chunked' } : lengthOf(method, body);
    const answer = this.#expect(method === 'HEAD', keepBody);
    const failed = answer.then(
      () => true,
      () => true,
    );
    // The head goes out with the first of the body.
    this.#socket.cork();
    this.#socket.write(prepareHead(method, this.host, path, { ...headers, ...length }));
    process.nextTick(() => this.#socket.uncork());
    if (body !== undefined) await this.#send(body, failed);
    return answer;
  }

  async #send({ pieces, chunked }: Body, answered: Promise<boolean>): Promise<void> {
    for (const piece of pieces()) {
      // An answer before the end of the body: the server had enough.
      if (this.#pending === undefined) return;
      if (!this.#writeTogether(chunked ? asChunk(piece) : piece))
        await Promise.race([once(this.#socket, 'drain'), answered]);
    }
    if (chunked) this.#socket.write('0\r\n\r\n');
  }

  /** False when the socket has enough for now. */
  #writeTogether(buffers: readonly Buffer[]): boolean {
    this.#socket.cork();
    for (const buffer of buffers) this.#socket.write(buffer);
    this.#socket.uncork();
    return !this.#socket.writableNeedDrain;
  }

  #expect(headOnly: boolean, keepBody: boolean): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) reject(new Error(`the connection to ${this.host} is closed`));
      this.#pending = { resolve, reject, headOnly, keepBody };
    });
  }

  #hear(bytes: Buffer): boolean {
    if (this.#answer !== undefined) this.#takeBody(bytes);
    else this.#takeHead(bytes);
    return true;
  }

  #takeHead(bytes: Buffer): void {
    const all = this.#head.length === 0 ? bytes : Buffer.concat([this.#head, bytes]);
    const end = all.indexOf(END_OF_HEAD);
    if (end < 0) {
      this.#head = Buffer.from(all);
      return;
    }
    this.#head = Buffer.alloc(0);
    const head = all.toString('latin1', 0, end + 2);
    const status = Number(head.slice(9, 12));
    const rest = all.subarray(end + END_OF_HEAD.length);
    // 100 Continue and its like come before the answer.
    if (status < 200) {
      if (rest.length > 0) this.#takeHead(rest);
      return;
    }
    const bodiless = this.#pending?.headOnly === true || NO_BODY.has(status);
    this.#answer = { status, head, left: bodiless ? 0 : contentLength(head), tail: Buffer.alloc(0) };
    this.#takeBody(rest);
  }

  #takeBody(bytes: Buffer): void {
    const answer = this.#answer;
    if (answer === undefined) return;
    this.#bodyBytes += bytes.length;
    if (this.#pending?.keepBody === true) this.#body.push(Buffer.from(bytes));
    if (answer.left >= 0) {
      answer.left -= bytes.length;
      if (answer.left <= 0) this.#finish(answer);
      return;
    }
    answer.tail = Buffer.concat([answer.tail, bytes]).subarray(-END_OF_CHUNKS.length);
    if (answer.tail.equals(END_OF_CHUNKS)) this.#finish(answer);
  }

  #finish({ status, head }: { status: number; head: string }): void {
    const pending = this.#pending;
    const answer = { status, head, bodyBytes: this.#bodyBytes, body: Buffer.concat(this.#body).toString() };
    this.#answer = undefined;
    this.#pending = undefined;
    this.#bodyBytes = 0;
    this.#body = [];
    pending?.resolve(answer);
  }

  #fail(error: Error): void {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.reject(error);
  }
}

function asChunk(piece: readonly Buffer[]): readonly Buffer[] {
  const bytes = piece.reduce((sum, { length }) => sum + length, 0);
  return [Buffer.from(`${bytes.toString(16)}\r\n`), ...piece, Buffer.from('\r\n')];
}

export function prepareHead(
  method: string,
  host: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Buffer {
  const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
}

/** A header of an answer; its name in lower case. */
export function headerOf({ head }: Answer, name: string): string | undefined {
  return new RegExp(`^${name}:[ \\t]*(.*?)\\r$`, 'im').exec(head)?.[1];
}

/** -1: the body ends with its last chunk. */
function contentLength(head: string): number {
  const at = head.search(/\r\ncontent-length:/i);
  return at < 0 ? (/\r\ntransfer-encoding:/i.test(head) ? -1 : 0) : Number.parseInt(head.slice(at + 17), 10);
}

function lengthOf(method: string, body: Body | undefined): Readonly<Record<string, string>> {
  if (body === undefined && (method === 'GET' || method === 'HEAD')) return {};
  return { 'content-length': String(body?.bytes ?? 0) };
}
