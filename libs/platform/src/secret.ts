import { readFileSync, statSync } from 'node:fs';
import { isExampleCredential } from './check-config.js';
import { ConfigError } from './config-error.js';

export interface SecretRules {
  /** The setting that names the file: `storage.secretAccessKeyFile`. */
  readonly setting: string;
  /** Shorter secrets are refused. */
  readonly minBytes: number;
  /** Told what is not good but works, in a sentence. */
  readonly warn: (warning: string) => void;
}

const READABLE_BY_OTHERS = 0o004;
/** A secret is a line. What is larger is another file. */
const MAX_BYTES = 4_096;

/**
 * The secret in a file, without the line ends that editors leave behind it. The secret itself is in no message.
 * @throws ConfigError when there is no such file, or nothing that can be a secret in it
 */
export function readSecret(path: string, rules: SecretRules): Buffer {
  const fail = (what: string, cause?: unknown): never => {
    throw new ConfigError([{ path, what, where: `named by ${rules.setting}` }], { cause });
  };
  const secret = trimLineEnds(readSmallFile(path, fail));
  if (secret.length === 0) return fail('is empty: it must hold a secret');
  if (isExampleCredential(secret.toString('latin1')))
    return fail('holds a well-known example: make a secret of your own');
  if (new Set(secret).size === 1) return fail('holds one character over and over: make a secret of your own');
  if (secret.length < rules.minBytes) {
    return fail(`holds ${secret.length} bytes: at least ${rules.minBytes} are needed, as "openssl rand -hex 32" makes`);
  }
  if (statSync(path).mode & READABLE_BY_OTHERS) {
    rules.warn(`${path} (${rules.setting}) can be read by everybody on this host: chmod 600 it`);
  }
  return secret;
}

function readSmallFile(path: string, fail: (what: string, cause?: unknown) => never): Buffer {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) return fail('is not a file');
    if (stat.size > MAX_BYTES) return fail(`holds ${stat.size} bytes: that is no secret`);
    return readFileSync(path);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return fail('does not exist', error);
    return fail(code === 'EACCES' ? 'may not be read by this process' : `cannot be read: ${message}`, error);
  }
}

/** Tools and editors end a file with a line end, with several or with none; whoever reads the secret has to read the same. */
function trimLineEnds(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === LINE_FEED || bytes[end - 1] === CARRIAGE_RETURN)) end -= 1;
  return bytes.subarray(0, end);
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
