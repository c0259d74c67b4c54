import { createCipheriv, createHash, pbkdf2Sync, randomBytes } from 'node:crypto';
import type { TestS3Server } from './s3-server.js';
import { canonicalQuery, type SigningKeys, signHeaders } from './sigv4-headers.js';
import { waitFor } from './wait-for.js';

/** Makes a user of a MinIO that may only read objects: what redirects are signed with. */
export async function newMinioReader(server: TestS3Server): Promise<SigningKeys> {
  const reader = {
    accessKeyId: `reader-${randomBytes(4).toString('hex')}`,
    secretAccessKey: randomBytes(20).toString('hex'),
  };
  const user = JSON.stringify({ secretKey: reader.secretAccessKey, status: 'enabled' });
  await administer(server, 'add-user', { accessKey: reader.accessKeyId }, sealed(server.secretAccessKey, user));
  await administer(
    server,
    'set-user-or-group-policy',
    { policyName: 'readonly', userOrGroup: reader.accessKeyId, isGroup: 'false' },
    Buffer.alloc(0),
  );
  return reader;
}

async function administer(
  server: TestS3Server,
  call: string,
  query: Record<string, string>,
  body: Buffer,
): Promise<void> {
  const path = `/minio/admin/v3/${call}`;
  const { host } = new URL(server.endpoint);
  const payload = createHash('sha256').update(body).digest('hex');
  const { host: _, ...headers } = signHeaders(server, { method: 'PUT', host, path, query, payload });
  const url = `${server.endpoint}${path}?${canonicalQuery(query)}`;
  // It serves objects already, and is still reading what users and policies it has.
  const answer = await waitFor(
    async () => {
      const tried = await fetch(url, { method: 'PUT', headers, body: new Uint8Array(body) });
      return (await isStarting(tried)) ? undefined : tried;
    },
    { what: `MinIO to take ${call}` },
  );
  if (!answer.ok) throw new Error(`MinIO refused ${call}: ${answer.status} ${await answer.text()}`);
}

async function isStarting(answer: Response): Promise<boolean> {
  if (answer.status === 503) return true;
  return answer.status === 404 && (await answer.clone().text()).includes('XMinioAdminNoSuchPolicy');
}

const PBKDF2_AES_GCM = 2;
const PBKDF2_ROUNDS = 8192;
const LAST_FRAGMENT = 0x80;

/**
 * MinIO's admin API wants secrets sealed with the administrator's own: salt, kind of key, nonce, then one fragment of
 * AES-256-GCM whose associated data is the tag of an empty fragment before it.
 */
function sealed(password: string, text: string): Buffer {
  const salt = randomBytes(32);
  const nonce = randomBytes(8);
  const key = pbkdf2Sync(password, salt, PBKDF2_ROUNDS, 32, 'sha256');
  const fragment = (number: number, associated: Buffer, content: string) => {
    const numbered = Buffer.alloc(12);
    nonce.copy(numbered);
    numbered.writeUInt32LE(number, 8);
    const cipher = createCipheriv('aes-256-gcm', key, numbered).setAAD(associated);
    return Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]);
  };
  const associated = Buffer.concat([Buffer.of(LAST_FRAGMENT), fragment(0, Buffer.alloc(0), '')]);
  return Buffer.concat([salt, Buffer.of(PBKDF2_AES_GCM), nonce, fragment(1, associated, text)]);
}
