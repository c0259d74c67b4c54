import { createHash, createHmac } from 'node:crypto';

export interface SigningKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

interface SignedRequest {
  readonly method: string;
  readonly host: string;
  /** Already encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Hex sha256 of the body; without it the body is not covered. */
  readonly payload?: string;
}

const REGION = 'us-east-1';

/** Headers that let an S3 server accept a request: AWS Signature Version 4, "Authenticating Requests: Using Headers". */
export function signHeaders(
  { accessKeyId, secretAccessKey }: SigningKeys,
  { method, host, path, query = {}, payload = 'UNSIGNED-PAYLOAD' }: SignedRequest,
): Readonly<Record<string, string>> {
  const time = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
  const scope = `${time.slice(0, 8)}/${REGION}/s3/aws4_request`;
  const signed = { host, 'x-amz-content-sha256': payload, 'x-amz-date': time };
  const names = Object.keys(signed).join(';');
  const lines = Object.entries(signed).map(([name, value]) => `${name}:${value}\n`);
  const canonical = [method, path, canonicalQuery(query), lines.join(''), names, payload].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  let key: Buffer = Buffer.from(`AWS4${secretAccessKey}`);
  for (const part of scope.split('/')) key = hmac(key, part);
  const signature = hmac(key, toSign).toString('hex');
  return {
    ...signed,
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

/** The query as it is signed and sent: sorted, encoded. */
export function canonicalQuery(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .sort()
    .join('&');
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest();
