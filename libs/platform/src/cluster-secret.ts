import { MIN_CLUSTER_SECRET_BYTES } from '#libs/geo';
import type { AppContext } from './app.js';
import { readSecret } from './secret.js';

/**
 * The secret that all processes of the cluster share.
 * @throws ConfigError that names the file when there is none, or nothing that can be a secret in it
 */
export function readClusterSecret({ config, log }: Pick<AppContext, 'config' | 'log'>): Uint8Array {
  return readSecret(config.clusterKeyFile, {
    setting: 'clusterKeyFile',
    minBytes: MIN_CLUSTER_SECRET_BYTES,
    warn: (warning) => log.warn(warning),
  });
}
