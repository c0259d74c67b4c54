import { connect } from 'node:net';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Client } from 'undici';

/** A request as it goes onto the wire: nothing is normalised, followed or added. */
export interface Ask {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array | Readable;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** One exchange on a connection of its own. */
export async function ask(origin: string, { method, path, headers = {}, body }: Ask): Promise<Answer> {
  const client = new Client(origin);
  try {
    const options = { method, path, headers, body: body ?? null } as Parameters<Client['request']>[0];
    const answer = await client.request(options);
    return { status: answer.statusCode, headers: answer.headers, body: await buffer(answer.body) };
  } finally {
    await client.destroy();
  }
}

/** The codes of an answer in the form of the distribution-spec. */
export function codesOf(answer: Answer): readonly string[] {
  const { errors } = JSON.parse(answer.body.toString()) as { readonly errors: readonly { readonly code: string }[] };
  return errors.map((error) => error.code);
}

/** Sends these characters, ends its side unless told to stay, and hands over whatever comes until the connection closes. */
export function talk(origin: string, text: string, options: { readonly reset?: boolean } = {}): Promise<string> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    let heard = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      heard += chunk;
    });
    // A connection that is reset is one of the answers that a test may expect.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(heard));
    socket.write(text, () => (options.reset ? socket.resetAndDestroy() : socket.end()));
  });
}
