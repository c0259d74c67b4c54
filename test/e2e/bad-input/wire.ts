import { connect } from 'node:net';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Client } from 'undici';

/** A request as it goes onto the wire: no library tidies its path. */
export interface Ask {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array | (() => Readable);
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

const MAX_REDIRECTS = 5;
const ARRIVAL_MS = 250;
const ABSOLUTE = /^(https?:\/\/[^/]+)(\/.*)$/;

/** Sends it, and sends it again to wherever a 307 leads, as clients do: without credentials at another host. */
export async function ask(origin: string, request: Ask): Promise<Answer> {
  let [here, path, headers] = [origin, request.path, request.headers ?? {}];
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const answer = await exchange(here, { ...request, path, headers });
    if (answer.status !== 307) return answer;
    const location = String(answer.headers.location);
    const [, there = here, target = location] = ABSOLUTE.exec(location) ?? [];
    if (there !== here) {
      const { authorization: _, Authorization: __, ...rest } = headers;
      headers = rest;
    }
    [here, path] = [there, target];
  }
  throw new Error(`${origin}${request.path} leads round in a circle`);
}

/** One exchange on a connection of its own. */
export async function exchange(origin: string, { method = 'GET', path, headers = {}, body }: Ask): Promise<Answer> {
  const client = new Client(origin);
  try {
    const content = typeof body === 'function' ? body() : (body ?? null);
    const options = { method, path, headers, body: content } as Parameters<Client['request']>[0];
    const answer = await client.request(options);
    return { status: answer.statusCode, headers: answer.headers, body: await buffer(answer.body) };
  } finally {
    await client.destroy();
  }
}

/** What is done once everything is sent: end this side, break the connection, or wait for the other side to end. */
export type Ending = 'end' | 'reset' | 'wait';

/** Sends these characters and hands over whatever comes until the connection is closed. */
export function talk(origin: string, text: string, ending: Ending): Promise<string> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    let heard = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      heard += chunk;
    });
    // A connection that is reset is one of the answers.
    socket.on('error', () => undefined).on('close', () => resolve(heard));
    socket.write(text, () => {
      // What is on its way when a connection ends may never be read: let it arrive.
      if (ending === 'end') setTimeout(() => socket.end(), ARRIVAL_MS);
      if (ending === 'reset') setTimeout(() => socket.resetAndDestroy(), ARRIVAL_MS);
    });
  });
}
