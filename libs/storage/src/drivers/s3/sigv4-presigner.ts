import { createHmac, hash } from 'node:crypto';
import type { S3Credentials } from './s3-options.js';

const ALGORITHM = 'AWS4-HMAC-SHA256';

export interface RequestToSign {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE' | 'POST';
  /** Scheme and host; its path, if any, comes before the bucket. */
  readonly endpoint: URL;
  /** Unencoded, from the bucket on, without a `/` before it. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly expiresSeconds: number;
  readonly nowMs: number;
}

/** What all requests that are signed in one second, with one query and one life, have in common. */
interface Frame {
  readonly second: number;
  readonly expiresSeconds: number;
  readonly asked: string;
  readonly query: string;
  /** What is signed, up to the digest of the request. */
  readonly head: string;
  readonly key: Uint8Array;
}

/**
 * Signs requests in their query (AWS Signature Version 4, "Authenticating Requests: Using Query Parameters"), with the
 * host as the only signed header and an unsigned payload. The key of a day is kept: deriving it costs four of the five
 * HMACs of a signature; and so is what does not change from one request to the next, which is most of the rest.
 */
export class SigV4Presigner {
  #day = '';
  #dayKey: Uint8Array = new Uint8Array();
  #frame: Frame | undefined;

  constructor(
    private readonly credentials: S3Credentials,
    private readonly region: string,
    private readonly service = 's3',
  ) {}

  sign(request: RequestToSign): string {
    const { query, head, key } = this.#frameOf(request);
    const { host, origin, pathname } = request.endpoint;
    const path = `${pathname.endsWith('/') ? pathname.slice(0, -1) : pathname}/${encodePath(request.path)}`;
    const canonical = `${request.method}\n${path}\n${query}\nhost:${host}\n\nhost\nUNSIGNED-PAYLOAD`;
    const signature = createHmac('sha256', key)
      .update(`${head}${hash('sha256', canonical)}`)
      .digest('hex');
    return `${origin}${path}?${query}&X-Amz-Signature=${signature}`;
  }

  #frameOf({ nowMs, expiresSeconds, query = {} }: RequestToSign): Frame {
    const second = Math.floor(nowMs / 1_000);
    const asked = canonicalQuery(query);
    const known = this.#frame;
    if (known?.second === second && known.expiresSeconds === expiresSeconds && known.asked === asked) return known;
    this.#frame = { second, expiresSeconds, asked, ...this.#newFrame(second, expiresSeconds, query) };
    return this.#frame;
  }

  #newFrame(second: number, expiresSeconds: number, query: Readonly<Record<string, string>>) {
    const time = new Date(second * 1_000).toISOString().replace(/[-:]|\.\d{3}/g, '');
    const day = time.slice(0, 8);
    const scope = `${day}/${this.region}/${this.service}/aws4_request`;
    const canonical = canonicalQuery({
      ...query,
      'X-Amz-Algorithm': ALGORITHM,
      'X-Amz-Credential': `${this.credentials.accessKeyId}/${scope}`,
      'X-Amz-Date': time,
      'X-Amz-Expires': String(expiresSeconds),
      'X-Amz-SignedHeaders': 'host',
    });
    return { query: canonical, head: `${ALGORITHM}\n${time}\n${scope}\n`, key: this.#keyOf(day) };
  }

  #keyOf(day: string): Uint8Array {
    if (day === this.#day) return this.#dayKey;
    let key: Uint8Array = Buffer.from(`AWS4${this.credentials.secretAccessKey}`);
    for (const step of [day, this.region, this.service, 'aws4_request']) {
      key = createHmac('sha256', key).update(step).digest();
    }
    this.#day = day;
    this.#dayKey = key;
    return key;
  }
}

function canonicalQuery(parameters: Readonly<Record<string, string>>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
}

/** The same for a path, whose slashes stay. */
function encodePath(path: string): string {
  return encode(path).replaceAll('%2F', '/');
}

/** RFC 3986: everything but unreserved characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  });
}
