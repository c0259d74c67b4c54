import { createPublicKey, type KeyObject } from 'node:crypto';
import { ProofError, verifyProof } from '#libs/registry';
import { UsageError } from './exit-code.js';

/** What a proof says, if one of the keys signed it; else why it proves nothing. */
export type ProofVerdict =
  | { readonly valid: true; readonly image: string; readonly statement: object }
  | { readonly valid: false; readonly reason: string };

/** Asks nobody. @throws UsageError if the files cannot be read, or hold no keys */
export async function verifyProofFile(
  file: string,
  keysFile: string | undefined,
  read: (file: string) => Promise<string>,
): Promise<ProofVerdict> {
  if (keysFile === undefined) throw new UsageError('proof verify <file> --keys <file>');
  const keys = keysIn(await read(keysFile));
  const text = await read(file);
  try {
    const statement = verifyProof(jsonIn(text), keys);
    const [{ name, digest }] = statement.subject;
    const [algorithm, encoded] = Object.entries(digest)[0] ?? [];
    return { valid: true, image: `${name}@${algorithm}:${encoded}`, statement: statement.predicate };
  } catch (error) {
    if (error instanceof ProofError) return { valid: false, reason: error.message };
    throw error;
  }
}

function keysIn(text: string): readonly KeyObject[] {
  const pems = text.trimStart().startsWith('{') ? listed(text) : blocks(text);
  if (pems.length === 0) throw new UsageError('there is no key in the file of --keys');
  try {
    return pems.map((pem) => createPublicKey(pem));
  } catch (cause) {
    throw new UsageError('the file of --keys holds something that is no key', { cause });
  }
}

function listed(text: string): readonly string[] {
  const { keys } = jsonIn(text) as { readonly keys?: readonly { readonly pem?: string }[] };
  return (keys ?? []).flatMap(({ pem }) => pem ?? []);
}

function blocks(text: string): readonly string[] {
  return text.match(/-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g) ?? [];
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
