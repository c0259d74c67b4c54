import type { Clock, Random } from '#libs/resilience';
import { FilesystemObjectStore, type ObjectStore, type S3Credentials, S3ObjectStore } from '#libs/storage';
import type { StorageConfig } from './config.js';
import type { Logger } from './logger.js';
import type { Metrics } from './metrics.js';
import { ObservedObjectStore } from './observed-object-store.js';
import { readSecret } from './secret.js';

export interface StorageParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Pick<Metrics, 'storageOperationDuration'>;
  readonly log: Pick<Logger, 'warn'>;
}

/** MinIO's minimum, and less than every other store gives out. */
const MIN_KEY_BYTES = 8;

/**
 * The region's store, as the configuration names it. Reads the key files; does not talk to the store yet.
 * @throws ConfigError when a key file cannot be used
 */
export function createObjectStore(config: StorageConfig, parts: StorageParts): ObservedObjectStore {
  return new ObservedObjectStore(createDriver(config, parts), parts.clock, parts.metrics);
}

function createDriver(config: StorageConfig, { clock, random, log }: StorageParts): ObjectStore {
  if (config.driver === 'filesystem') return new FilesystemObjectStore({ directory: config.directory, clock, random });
  const { endpoint, region, bucket, publicEndpoint, reader } = config;
  return new S3ObjectStore({
    ...{ endpoint, region, bucket, clock, random },
    ...credentials('storage', config, log),
    ...(publicEndpoint === undefined ? {} : { publicEndpoint }),
    ...(reader === undefined ? {} : { reader: credentials('storage.reader', reader, log) }),
  });
}

function credentials(
  section: string,
  config: { readonly accessKeyId: string; readonly secretAccessKeyFile: string },
  log: Pick<Logger, 'warn'>,
): S3Credentials {
  const secret = readSecret(config.secretAccessKeyFile, {
    setting: `${section}.secretAccessKeyFile`,
    minBytes: MIN_KEY_BYTES,
    warn: (warning) => log.warn(warning),
  });
  return { accessKeyId: config.accessKeyId, secretAccessKey: secret.toString('utf8') };
}
