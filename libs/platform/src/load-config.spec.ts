import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { configSchema } from './config.js';
import { variablesOf } from './config-environment.js';
import { ConfigError } from './config-error.js';
import { shapeOf } from './config-shape.js';
import { loadConfig } from './load-config.js';

const site = (name: string, role: string) => ({
  name,
  role,
  publicUrl: `http://${name}.localhost:5000`,
  peerUrl: 'http://127.0.0.1:5000',
});

const GOOD = {
  topology: {
    regions: [site('north', 'primary'), site('south', 'replica')],
    roundTripMs: { north: { south: 30 }, south: { north: 30 } },
    defaultRegion: 'north',
  },
  region: 'south',
  clusterKeyFile: '/run/secrets/cluster',
};
const S3 = {
  driver: 's3',
  endpoint: 'http://127.0.0.1:9000',
  bucket: 'south',
  accessKeyId: 'writer-7',
  secretAccessKeyFile: '/run/secrets/writer',
};

describe('loadConfig', () => {
  let directory: string;
  let file: string;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'meridian-config-'));
    file = join(directory, 'meridian.json');
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  function load(content: object | string, env: NodeJS.ProcessEnv = {}) {
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return loadConfig({ MERIDIAN_CONFIG: file, ...env });
  }

  /** Every line that a person would see, without the first. */
  function complaints(content: object | string, env: NodeJS.ProcessEnv = {}): string[] {
    try {
      load(content, env);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return error.message
        .split('\n')
        .slice(1)
        .map((line) => line.trim().replaceAll(file, 'FILE'));
    }
    return [];
  }

  it('fills in what is not said', () => {
    expect(load(GOOD)).toMatchObject({
      anonymousAccess: 'none',
      http: { host: '127.0.0.1', port: 5000, operatorPort: 5001 },
      shutdown: { graceMs: 30_000 },
    });
  });

  it('lets the environment say it last', () => {
    const env = {
      MERIDIAN_HTTP_PORT: '8080',
      MERIDIAN_LOG_LEVEL: 'debug',
      MERIDIAN_REDIS_URL: 'redis://127.0.0.1:6379',
      MERIDIAN_STORAGE_DRIVER: 'filesystem',
      MERIDIAN_STORAGE_DIRECTORY: '/data',
      MERIDIAN_ROUTER_TRUST_REGION_HEADER: 'true',
      MERIDIAN_ROUTER_TRUSTED_PROXIES: '10.0.0.0/8, 192.168.0.0/16',
      MERIDIAN_TOPOLOGY_DEFAULT_REGION: 'south',
    };
    expect(load({ ...GOOD, http: { port: 7000, operatorPort: 7001 } }, env)).toMatchObject({
      http: { port: 8080, operatorPort: 7001 },
      log: { level: 'debug' },
      redisUrl: 'redis://127.0.0.1:6379',
      storage: { driver: 'filesystem', directory: '/data' },
      router: { trustRegionHeader: true, trustedProxies: ['10.0.0.0/8', '192.168.0.0/16'] },
      topology: { defaultRegion: 'south' },
    });
  });

  it('gives every scalar a variable, and no two the same', () => {
    const variables = [...variablesOf(shapeOf(configSchema)).keys()];
    expect(variables).toEqual(
      expect.arrayContaining([
        'MERIDIAN_REGION',
        'MERIDIAN_CLUSTER_KEY_FILE',
        'MERIDIAN_STORAGE_SECRET_ACCESS_KEY_FILE',
        'MERIDIAN_STORAGE_READER_ACCESS_KEY_ID',
        'MERIDIAN_REPLICATION_COPY_CONCURRENCY',
        'MERIDIAN_SHUTDOWN_GRACE_MS',
      ]),
    );
    expect(new Set(variables).size).toBe(variables.length);
  });

  it('cannot be changed afterwards, at any depth', () => {
    const config = load(GOOD);
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.topology.regions[0])).toBe(true);
  });

  it.each<[string, object, NodeJS.ProcessEnv, string]>([
    [
      'a missing setting',
      { ...GOOD, clusterKeyFile: undefined },
      {},
      'clusterKeyFile is missing: it must be a text (from FILE; or set MERIDIAN_CLUSTER_KEY_FILE)',
    ],
    [
      'a number that is none',
      GOOD,
      { MERIDIAN_HTTP_PORT: '80 80' },
      'http.port is "80 80": it must be a number (from MERIDIAN_HTTP_PORT)',
    ],
    [
      'a number beyond its bounds',
      { ...GOOD, http: { port: 65_536 } },
      {},
      'http.port is 65536: it must be at most 65535 (from FILE; or set MERIDIAN_HTTP_PORT)',
    ],
    [
      'a part of a number',
      { ...GOOD, http: { port: 1.5 } },
      {},
      'http.port is 1.5: it must be a whole number (from FILE; or set MERIDIAN_HTTP_PORT)',
    ],
    [
      'a text where a number belongs',
      { ...GOOD, http: { port: '1' } },
      {},
      'http.port is "1": it must be a number (from FILE; or set MERIDIAN_HTTP_PORT)',
    ],
    [
      'a word that is none of the known',
      GOOD,
      { MERIDIAN_LOG_LEVEL: 'loud' },
      'log.level is "loud": it must be fatal, error, warn, info, debug, trace or silent (from MERIDIAN_LOG_LEVEL)',
    ],
    [
      'an unknown driver',
      { ...GOOD, storage: { driver: 'ftp' } },
      {},
      'storage.driver is "ftp": it must be filesystem or s3 (from FILE; or set MERIDIAN_STORAGE_DRIVER)',
    ],
    [
      'a truth that is neither',
      GOOD,
      { MERIDIAN_ROUTER_TRUST_REGION_HEADER: 'yes' },
      'router.trustRegionHeader is "yes": it must be true or false (from MERIDIAN_ROUTER_TRUST_REGION_HEADER)',
    ],
    [
      'an address that is none, without its password',
      GOOD,
      { MERIDIAN_REDIS_URL: 'http://u:pw@host' },
      'redisUrl is "http://…@host": it must be a URL that begins with redis:// or rediss:// (from MERIDIAN_REDIS_URL)',
    ],
    [
      'a typo in the file',
      { ...GOOD, http: { prot: 1 } },
      {},
      'http.prot is not a setting; did you mean port? (from FILE)',
    ],
    [
      'a key that nobody meant',
      { ...GOOD, log: { banana: 1 } },
      {},
      'log.banana is not a setting; known here: level (from FILE)',
    ],
    [
      'a typo in the environment',
      GOOD,
      { MERIDIAN_HTTP_PROT: '1' },
      'MERIDIAN_HTTP_PROT is not a setting; did you mean MERIDIAN_HTTP_PORT? (from the environment)',
    ],
    [
      'a setting of another driver',
      { ...GOOD, storage: S3 },
      { MERIDIAN_STORAGE_DIRECTORY: '/data' },
      'storage.directory is not a setting; known here: driver, endpoint, bucket, region, accessKeyId, secretAccessKeyFile, publicEndpoint, reader (from MERIDIAN_STORAGE_DIRECTORY)',
    ],
    [
      'a region that is not in the topology',
      { ...GOOD, region: 'west' },
      {},
      'region is "west": it must be one of the topology\'s regions (north, south) (from FILE; or set MERIDIAN_REGION)',
    ],
    [
      'a region without a name',
      GOOD,
      { MERIDIAN_REGION: 'North!' },
      'region is "North!": it must be lower-case letters, digits and inner hyphens, at most 32 (from MERIDIAN_REGION)',
    ],
    [
      'two primaries',
      { ...GOOD, topology: { ...GOOD.topology, regions: [site('north', 'primary'), site('south', 'primary')] } },
      {},
      'topology.regions must hold exactly one primary (from FILE)',
    ],
    [
      'a default key',
      { ...GOOD, storage: { ...S3, accessKeyId: 'minioadmin' } },
      {},
      'storage.accessKeyId is a well-known example: make a key of your own in the store (from FILE; or set MERIDIAN_STORAGE_ACCESS_KEY_ID)',
    ],
    [
      'one key for reading and writing',
      { ...GOOD, storage: { ...S3, reader: { accessKeyId: 'writer-7', secretAccessKeyFile: '/x' } } },
      {},
      "storage.reader.accessKeyId is the writer's key: it must be another one, which may only read data/*, for clients see its id (from FILE; or set MERIDIAN_STORAGE_READER_ACCESS_KEY_ID)",
    ],
    [
      'one port for clients and operators',
      { ...GOOD, http: { port: 7000, operatorPort: 7000 } },
      {},
      'http.operatorPort is 7000, as http.port is: operators and clients need ports of their own (from FILE; or set MERIDIAN_HTTP_OPERATOR_PORT)',
    ],
  ])('complains about %s', (_name, content, env, line) => {
    expect(complaints(content, env)).toEqual([line]);
  });

  it('complains about everything at once', () => {
    const env = { MERIDIAN_HTTP_PORT: 'x', MERIDIAN_REGOIN: 'north' };
    expect(complaints({ ...GOOD, clusterKeyFile: '', banana: 1 }, env)).toHaveLength(4);
  });

  it.each([
    ['{', /^FILE is not JSON: .* \(named by MERIDIAN_CONFIG\)$/],
    ['[]', /^FILE must hold one JSON object/],
  ])('complains about a file that holds %s', (content, line) => {
    expect(complaints(content)).toEqual([expect.stringMatching(line)]);
  });

  it('complains about a file that is not there', () => {
    expect(() => loadConfig({ MERIDIAN_CONFIG: join(directory, 'absent.json') })).toThrow(/absent.json cannot be read/);
  });

  it('says which variable to set when there is no file', () => {
    expect(() => loadConfig({})).toThrow(
      /clusterKeyFile is missing: it must be a text \(set MERIDIAN_CLUSTER_KEY_FILE\)/,
    );
  });

  it('takes no offence at what Kubernetes says of a service called meridian, nor at empty variables', () => {
    const env = {
      MERIDIAN_SERVICE_HOST: '10.0.0.1',
      MERIDIAN_SERVICE_PORT_HTTP: '80',
      MERIDIAN_PORT: 'tcp://10.0.0.1:80',
      MERIDIAN_PORT_80_TCP_ADDR: '10.0.0.1',
      MERIDIAN_REDIS_URL: '',
    };
    expect(complaints(GOOD, env)).toEqual([]);
  });
});
