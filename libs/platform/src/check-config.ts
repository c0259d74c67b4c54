import { CopyLimitError, parseCopyLimits } from '#libs/geo';
import type { Config } from './config.js';

/** A rule over several settings that was broken: where, and in words. */
export interface BrokenRule {
  readonly path: readonly string[];
  readonly what: string;
}

/** Names that every guide prints: whoever finds the port has the key. */
const EXAMPLE_NAMES = new Set(['minioadmin', 'minio', 'admin', 'root', 'test', 'example', 'accesskey']);
const EXAMPLE_KEY = /example|changeme|change-me|your[-_]?(access|secret)/i;

/** What no single setting can be wrong about. */
export function checkConfig(config: Config): readonly BrokenRule[] {
  return [...checkRegions(config), ...checkAccessKeys(config), ...checkPorts(config), ...checkLimits(config)];
}

function* checkRegions({ topology, region }: Config): Generator<BrokenRule> {
  const names = new Set<string>(topology.regions.map((site) => site.name));
  const known = [...names].join(', ');
  const unknown = (path: readonly string[], name: string): BrokenRule => ({
    path,
    what: `is "${name}": it must be one of the topology's regions (${known})`,
  });
  if (region !== undefined && !names.has(region)) yield unknown(['region'], region);
  if (!names.has(topology.defaultRegion)) yield unknown(['topology', 'defaultRegion'], topology.defaultRegion);
  for (const [index, network] of topology.clientNetworks.entries()) {
    if (!names.has(network.region)) {
      yield unknown(['topology', 'clientNetworks', String(index), 'region'], network.region);
    }
  }
}

function* checkAccessKeys({ storage }: Config): Generator<BrokenRule> {
  if (storage?.driver !== 's3') return;
  const keys: [readonly string[], string | undefined][] = [
    [['storage', 'accessKeyId'], storage.accessKeyId],
    [['storage', 'reader', 'accessKeyId'], storage.reader?.accessKeyId],
  ];
  for (const [path, key] of keys) {
    if (key !== undefined && isExampleCredential(key)) {
      yield { path, what: 'is a well-known example: make a key of your own in the store' };
    }
  }
  if (storage.reader?.accessKeyId === storage.accessKeyId) {
    yield {
      path: ['storage', 'reader', 'accessKeyId'],
      what: "is the writer's key: it must be another one, which may only read data/*, for clients see its id",
    };
  }
}

function* checkPorts({ http }: Config): Generator<BrokenRule> {
  if (http.port === 0 || http.port !== http.operatorPort || http.host !== http.operatorHost) return;
  yield {
    path: ['http', 'operatorPort'],
    what: `is ${http.operatorPort}, as http.port is: operators and clients need ports of their own`,
  };
}

function* checkLimits({ replication }: Config): Generator<BrokenRule> {
  try {
    parseCopyLimits(replication.limits);
  } catch (error) {
    if (!(error instanceof CopyLimitError)) throw error;
    yield { path: ['replication', 'limits'], what: `cannot be kept: ${error.message}` };
  }
}

/** Whether a credential is one that comes with a product or a guide. */
export function isExampleCredential(text: string): boolean {
  return EXAMPLE_NAMES.has(text.toLowerCase()) || EXAMPLE_KEY.test(text);
}
