import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { AppContext } from './app.js';
import { ConfigError } from './config-error.js';
import { readSecret } from './secret.js';

/** A PEM file with a key of 32 bytes is longer. */
const MIN_FILE_BYTES = 64;

/**
 * What this region signs with; `undefined`: it signs nothing.
 * @throws ConfigError that names the file when no Ed25519 private key is in it
 */
export function readSigningKey({ config, log }: Pick<AppContext, 'config' | 'log'>): KeyObject | undefined {
  const path = config.signingKeyFile;
  if (path === undefined) return undefined;
  const warn = (warning: string): void => log.warn(warning);
  const pem = readSecret(path, { setting: 'signingKeyFile', minBytes: MIN_FILE_BYTES, warn });
  const wrong = (cause?: unknown): ConfigError => {
    const what = 'holds no Ed25519 private key, as "openssl genpkey -algorithm ed25519" makes';
    return new ConfigError([{ path, what, where: 'named by signingKeyFile' }], { cause });
  };
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch (cause) {
    throw wrong(cause);
  }
  throw wrong();
}
