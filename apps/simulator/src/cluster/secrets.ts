import { generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from '#libs/resilience';
import { writeFileAtomically } from '../atomic-file.js';
import type { DataDirectory } from '../data-directory.js';

const SECRET_BYTES = 32;

export interface Secret {
  readonly file: string;
  readonly text: string;
}

/** The secret of that name: the one from before, or a new one. Readable for its owner only. */
export async function keepSecret(data: DataDirectory, name: string, random: Random): Promise<Secret> {
  const file = join(data.secrets, name);
  const before = await readFile(file, 'utf8').catch(() => '');
  if (before !== '') return { file, text: before };
  return storeSecret(data, name, Buffer.from(random.bytes(SECRET_BYTES)).toString('hex'));
}

export async function storeSecret(data: DataDirectory, name: string, text: string): Promise<Secret> {
  const file = join(data.secrets, name);
  await writeFileAtomically(file, text, 0o600);
  return { file, text };
}

/** The key that a region signs with: the one from before, or a new one. */
export async function keepSigningKey(data: DataDirectory, name: string): Promise<Secret> {
  const file = join(data.secrets, name);
  const before = await readFile(file, 'utf8').catch(() => '');
  if (before !== '') return { file, text: before };
  const { privateKey } = generateKeyPairSync('ed25519');
  return storeSecret(data, name, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
}
