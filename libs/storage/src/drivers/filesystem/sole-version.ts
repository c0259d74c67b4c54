import type { VersionFacts } from './version.js';

/*
 * A version that is all that its key has is one name, of a link or a file, that tells nothing of the version. So what it
 * holds begins with a header that does.
 */

const HEADER = /^:([0-9a-f]{32}),(\d{13}):$/;

/** `:<id>,<modifiedMs>:`, of one length always. As the beginning of a link it makes that one lead nowhere, whoever follows it. */
export const HEADER_BYTES = 48;

export function formatHeader({ id, modifiedMs }: VersionFacts): Buffer {
  return Buffer.from(`:${id},${String(modifiedMs).padStart(13, '0')}:`);
}

/**
 * The version whose header and content this begins with, `bytes` of them in all.
 * @throws if this driver did not write it, or not to its end
 */
export function parseHeader(start: Uint8Array, bytes: number, path: string): VersionFacts {
  const header = Buffer.from(start.buffer, start.byteOffset, Math.min(start.byteLength, HEADER_BYTES));
  const [, id, modifiedMs] = HEADER.exec(header.toString('latin1')) ?? [];
  if (id === undefined) throw new Error(`${path} holds what this driver did not write`);
  return { id, size: bytes - HEADER_BYTES, modifiedMs: Number(modifiedMs) };
}
