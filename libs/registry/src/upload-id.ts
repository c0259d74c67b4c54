import { createHmac, timingSafeEqual } from 'node:crypto';
import type { RepositoryName } from '#libs/oci';

/** What the id of an upload says of it. */
export interface UploadTicket {
  /** 122 random bits; the name of its session in the store. */
  readonly uuid: string;
  readonly createdMs: number;
}

const FORM = /^([0-9a-f-]{36})\.([0-9a-z]{1,9})\.([A-Za-z0-9_-]{22})$/;
const MAC_BYTES = 16;

/**
 * `<uuid>.<created, base 36>.<mac>`: that an upload was begun, by whom who shares the key, in which repository and when,
 * so that nothing has to be stored before its first bytes come. The repository is covered and not told: asked for in
 * another one, the id is worth nothing.
 */
export function formatUploadId(key: Uint8Array, repository: RepositoryName, { uuid, createdMs }: UploadTicket): string {
  const ticket = `${uuid}.${Math.trunc(createdMs).toString(36)}`;
  return `${ticket}.${macOf(key, repository, ticket).toString('base64url')}`;
}

/** What {@link formatUploadId} was told, if it made this id for this repository; `undefined` for every other text. */
export function openUploadId(key: Uint8Array, repository: RepositoryName, id: string): UploadTicket | undefined {
  const [, uuid = '', created = '', mac = ''] = FORM.exec(id) ?? [];
  if (uuid === '') return undefined;
  const expected = macOf(key, repository, `${uuid}.${created}`).toString('base64url');
  if (!timingSafeEqual(Buffer.from(mac), Buffer.from(expected))) return undefined;
  return { uuid, createdMs: Number.parseInt(created, 36) };
}

function macOf(key: Uint8Array, repository: RepositoryName, ticket: string): Buffer {
  return createHmac('sha256', key).update(`${repository}\n${ticket}`).digest().subarray(0, MAC_BYTES);
}
