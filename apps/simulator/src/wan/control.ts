import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { z } from 'zod';
import { messageOf } from '../problem.js';
import { LINK_STATES, type Link } from './link.js';
import { lineQuality } from './link-table.js';
import type { WideAreaNetwork } from './wide-area-network.js';

const changesSchema = lineQuality
  .extend({ state: z.enum(LINK_STATES) })
  .partial()
  .strict();

/** Processes of the cluster, to be taken down and brought up again. */
export interface ProcessSwitch {
  readonly names: readonly string[];
  /** Ends it as a power failure does, and keeps it down. */
  halt(name: string): Promise<void>;
  /** Resolves when it does its work again. */
  resume(name: string, signal: AbortSignal): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/**
 * Lets tests and people change the weather:
 *
 *   GET    /links               every link with its settings, bytes and open connections
 *   PUT    /links/<from>/<to>   {roundTripMs?, megabitsPerSecond?, state?}, a state of LINK_STATES
 *   DELETE /links/<from>/<to>   back to the settings of the start
 *   POST   /links/<from>/<to>/reset   resets what is connected now
 *   DELETE /links               all of them back to the settings of the start
 *   GET    /bytes               bytes that arrived, for each link and in sum
 *   GET    /processes           their names
 *   POST   /processes/<name>/halt     ends it as a power failure does; it stays down
 *   POST   /processes/<name>/resume   starts it again; answered when it is ready
 */
export class WanControl {
  readonly #server: Server;
  readonly #closing = new AbortController();

  constructor(
    private readonly network: WideAreaNetwork,
    private readonly processes: ProcessSwitch,
  ) {
    this.#server = createServer((request, response) => {
      void this.#respond(request, response);
    });
  }

  /** @returns the port */
  async listen(port: number): Promise<number> {
    this.#server.listen({ host: '127.0.0.1', port });
    await once(this.#server, 'listening');
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#closing.abort(new Error('the control is being closed'));
    this.#server.closeAllConnections();
    await closed;
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body } = await this.#answer(request).catch((error) => refusal(400, messageOf(error)));
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify(body)}\n`);
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const { pathname } = new URL(request.url ?? '/', 'http://wan');
    const [kind, from = '', to = '', action] = pathname.split('/').slice(1);
    const whole = `${request.method} /${kind}`;
    if (from === '') {
      if (whole === 'GET /links') return ok({ links: this.network.links.map(describe) });
      if (whole === 'GET /bytes') return ok(countBytes(this.network.links));
      if (whole === 'GET /processes') return ok({ processes: this.processes.names });
      if (whole === 'DELETE /links') return this.#restoreAll();
    }
    if (whole === 'POST /processes' && this.processes.names.includes(from)) return this.#switchProcess(from, to);
    const link = kind === 'links' ? this.network.find(from, to) : undefined;
    if (link === undefined) return refusal(404, `there is no ${request.method} ${pathname}`);
    return this.#answerForLink(link, request, action);
  }

  async #answerForLink(link: Link, request: IncomingMessage, action: string | undefined): Promise<Answer> {
    switch ([request.method, action].filter(Boolean).join(' ')) {
      case 'GET':
        break;
      case 'PUT':
        link.change(changesSchema.parse(await json(request)));
        break;
      case 'DELETE':
        link.restore();
        break;
      case 'POST reset':
        link.resetConnections();
        break;
      default:
        return refusal(405, `a link takes GET, PUT, DELETE, and POST on its reset`);
    }
    return ok(describe(link));
  }

  async #switchProcess(name: string, action: string): Promise<Answer> {
    if (action === 'halt') await this.processes.halt(name);
    else if (action === 'resume') await this.processes.resume(name, this.#closing.signal);
    else return refusal(405, 'a process takes POST on its halt and on its resume');
    return ok({ process: name });
  }

  #restoreAll(): Answer {
    for (const link of this.network.links) link.restore();
    return ok({ links: this.network.links.map(describe) });
  }
}

function describe(link: Link) {
  const { from, to, connections, settings, there, back } = link;
  return { from, to, ...settings, connections, bytes: { there: there.bytes, back: back.bytes } };
}

function countBytes(links: readonly Link[]) {
  const counted = links.map(({ from, to, there, back }) => ({ from, to, there: there.bytes, back: back.bytes }));
  return { links: counted, total: counted.reduce((sum, { there, back }) => sum + there + back, 0) };
}

function ok(body: unknown): Answer {
  return { status: 200, body };
}

function refusal(status: number, message: string): Answer {
  return { status, body: { error: message } };
}
