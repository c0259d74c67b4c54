import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AS_THE_IMAGE_HAS_IT } from '../support/image-settings.js';
import { freePortBase } from '../support/ports.js';
import { startNode, type TestProcess } from '../support/process.js';

/** One registry process of a region. */
export interface Member {
  /** `127.0.0.1:12345` */
  readonly host: string;
  readonly origin: string;
  readonly admin: string;
  readonly process: TestProcess;
}

/** A region of one or more registry processes on one directory. */
export interface LoadRegion {
  readonly directory: string;
  readonly members: readonly Member[];
  /** Starts one again that has ended, on its port and the same data. */
  restart(index: number): Promise<void>;
  stop(): Promise<void>;
}

export interface LoadRegionOptions {
  readonly processes?: number;
  /** Further settings of the configuration file. */
  readonly settings?: object;
  /** Of Node.js, for each process. */
  readonly nodeOptions?: string;
}

export async function startLoadRegion({
  processes = 1,
  settings = {},
  nodeOptions = '',
}: LoadRegionOptions = {}): Promise<LoadRegion> {
  const directory = await mkdtemp(join(tmpdir(), 'meridian-load-'));
  const base = await freePortBase(processes * 2);
  const clusterKeyFile = join(directory, 'cluster-key');
  await writeFile(clusterKeyFile, randomBytes(32).toString('hex'), { mode: 0o600 });
  const start = async (index: number): Promise<Member> => {
    const port = base + index * 2;
    const config = configOf(`http://127.0.0.1:${base}`, port, directory, clusterKeyFile, settings);
    const file = join(directory, `registry-${index}.json`);
    await writeFile(file, JSON.stringify(config), { mode: 0o600 });
    return startMember(port, file, nodeOptions);
  };
  const members = await Promise.all(Array.from({ length: processes }, (_, index) => start(index)));
  return {
    directory,
    members,
    restart: async (index) => {
      members[index] = await start(index);
    },
    stop: async () => {
      await Promise.all(members.map(({ process }) => process.kill()));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function configOf(
  publicUrl: string,
  port: number,
  directory: string,
  clusterKeyFile: string,
  settings: object,
): object {
  return {
    topology: {
      regions: [{ name: 'only', role: 'primary', publicUrl, peerUrl: publicUrl }],
      roundTripMs: {},
      defaultRegion: 'only',
    },
    region: 'only',
    clusterKeyFile,
    storage: { driver: 'filesystem', directory: join(directory, 'bucket') },
    blobs: { spoolDirectory: join(directory, 'spool') },
    anonymousAccess: 'push',
    http: { port, operatorPort: port + 1 },
    log: { level: 'fatal' },
    ...settings,
  };
}

async function startMember(port: number, file: string, nodeOptions: string): Promise<Member> {
  const host = `127.0.0.1:${port}`;
  const admin = `http://127.0.0.1:${port + 1}`;
  const process = await startNode({
    name: `registry at ${host}`,
    script: 'apps/registry/src/main.js',
    env: {
      ...AS_THE_IMAGE_HAS_IT,
      MERIDIAN_CONFIG: file,
      NODE_OPTIONS: `${AS_THE_IMAGE_HAS_IT.NODE_OPTIONS} ${nodeOptions}`,
    },
    isReady: async () => (await fetch(`${admin}/health/ready`)).ok,
  });
  return { host, origin: `http://${host}`, admin, process };
}
