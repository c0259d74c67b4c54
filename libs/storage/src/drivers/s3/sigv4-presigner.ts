import { createHash, createHmac } from 'node:crypto';
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

/**
 * Signs requests in their query (AWS Signature Version 4, "Authenticating Requests: Using Query Parameters"), with the
 * host as the only signed header and an unsigned payload. The key of a day is kept: deriving it costs four of the five
 * HMACs of a signature.
 */
export class SigV4Presigner {
  #day = '';
  #dayKey: Uint8Array = new Uint8Array();

  constructor(
    private readonly credentials: S3Credentials,
    private readonly region: string,
    private readonly service = 's3',
  ) {}

  sign(request: RequestToSign): string {
    const time = new Date(request.nowMs).toISOString().replace(/[-:]|\.\d{3}/g, '');
    const day = time.slice(0, 8);
    const scope = `${day}/${this.region}/${this.service}/aws4_request`;
    const query = canonicalQuery({
      ...request.query,
      'X-Amz-Algorithm': ALGORITHM,
      'X-Amz-Credential': `${this.credentials.accessKeyId}/${scope}`,
      'X-Amz-Date': time,
      'X-Amz-Expires': String(request.expiresSeconds),
      'X-Amz-SignedHeaders': 'host',
    });
    const path = `${request.endpoint.pathname.replace(/\/$/, '')}/${request.path.split('/').map(encode).join('/')}`;
    const { host, origin } = request.endpoint;
    const canonical = [request.method, path, query, `host:${host}\n`, 'host', 'UNSIGNED-PAYLOAD'].join('\n');
    const toSign = [ALGORITHM, time, scope, sha256(canonical)].join('\n');
    const signature = createHmac('sha256', this.#keyOf(day)).update(toSign).digest('hex');
    return `${origin}${path}?${query}&X-Amz-Signature=${signature}`;
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

/** RFC 3986: everything but unreserved characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  });
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
