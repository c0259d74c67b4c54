export interface Request {
  readonly method: string;
  readonly path: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

/** What an answer must be; what is not named may be anything. A header that is `null` must not be there. */
export interface Expected {
  readonly status: number;
  readonly code?: string;
  readonly headers?: Readonly<Record<string, string | null>>;
  readonly body?: Uint8Array | string;
}

const MAX_REDIRECTS = 3;

/** Asks like a client that follows redirects of reads, and holds the last answer against what it must be. */
export class ModelClient {
  constructor(
    readonly origin: string,
    private readonly headers: Readonly<Record<string, string>> = {},
  ) {}

  async expect(request: Request, expected: Expected): Promise<Answer> {
    const answer = await this.ask(request);
    const wrong = [...differences(answer, expected)];
    if (wrong.length === 0) return answer;
    throw new Error(`${request.method} ${String(request.path)}: ${wrong.join('; ')}`);
  }

  async ask({ method, path, headers, body }: Request): Promise<Answer> {
    let url = new URL(path, this.origin);
    for (let hops = 0; ; hops += 1) {
      const init = { method, headers: { ...this.headers, ...headers }, redirect: 'manual' } as const;
      const response = await fetch(url, body === undefined ? init : { ...init, body: Buffer.from(body) });
      const bytes = Buffer.from(await response.arrayBuffer());
      const location = response.headers.get('location');
      if (response.status !== 307 || location === null || hops === MAX_REDIRECTS) {
        return { status: response.status, headers: response.headers, body: bytes };
      }
      url = new URL(location, url);
    }
  }
}

function* differences({ status, headers, body }: Answer, expected: Expected): Generator<string> {
  if (status !== expected.status) yield `${status} ${body.toString().slice(0, 300)}, not ${expected.status}`;
  if (expected.code !== undefined && codeOf(body) !== expected.code) {
    yield `the code is ${codeOf(body)}, not ${expected.code}`;
  }
  for (const [name, value] of Object.entries(expected.headers ?? {})) {
    if (headers.get(name) !== value) yield `${name} is ${headers.get(name)}, not ${value}`;
  }
  if (expected.body !== undefined && !body.equals(Buffer.from(expected.body))) {
    yield `the body is ${body.toString().slice(0, 300)}, not ${Buffer.from(expected.body).toString().slice(0, 300)}`;
  }
}

function codeOf(body: Buffer): string | undefined {
  try {
    return (JSON.parse(body.toString()) as { errors: { code: string }[] }).errors[0]?.code;
  } catch {
    return undefined;
  }
}
