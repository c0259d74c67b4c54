import { join } from 'node:path';
import { startMinio } from '../../support/minio.js';
import { newMinioReader } from '../../support/minio-reader.js';
import type { TestS3Server } from '../../support/s3-server.js';
import { startDistribution } from '../lib/servers/distribution.js';
import { startMeridian } from '../lib/servers/meridian.js';
import { startNginx } from '../lib/servers/nginx.js';
import { startOlareg } from '../lib/servers/olareg.js';
import type { RunningServer, Storage } from '../lib/servers/settings.js';
import type { Scene } from '../lib/suite.js';
import { ObjectClient } from './object-client.js';
import { RegistryClient } from './registry-client.js';
import type { BlobClient } from './store.js';

/** A server of the row, and the store behind it if that is a server too. */
export interface Contender {
  /** Of its first process. */
  readonly origin: string;
  readonly host: string;
  /** Of all of its processes; that one first. */
  readonly hosts: readonly string[];
  readonly pids: readonly number[];
  readonly storePid?: number;
  /** A new client, with connections of its own, of the next process. */
  client(): BlobClient;
}

export const REPOSITORY = 'bench/image';

/** Whoever takes part in a row. Each is started when it is first asked for, and ends with the row. */
export class Field {
  readonly #started = new Map<string, Promise<Contender>>();
  #minio: Promise<TestS3Server> | undefined;

  constructor(private readonly scene: Scene) {}

  get(name: string): Promise<Contender> {
    const contender = this.#started.get(name) ?? this.#start(name);
    this.#started.set(name, contender);
    return contender;
  }

  /** The pid of the MinIO that everybody uses. */
  async minioPid(): Promise<number> {
    return (await this.#sharedMinio()).process.pid;
  }

  async #start(name: string): Promise<Contender> {
    const directory = join(this.scene.directory, name);
    const [program = '', place, mode] = name.split('-');
    if (program === 'minio') return this.#rawMinio();
    const onMinio = place === 'minio';
    const storage = onMinio ? await this.#bucket() : ({ driver: 'filesystem', directory } as const);
    const server = await this.#launch(program, directory, storage, mode);
    this.scene.defer(() => server.stop());
    let next = 0;
    const origin = () => server.origins[next++ % server.origins.length] ?? server.origins[0];
    const client =
      program === 'nginx' ? () => new ObjectClient(origin(), '/store') : () => new RegistryClient(origin(), REPOSITORY);
    const storePid = onMinio ? await this.minioPid() : undefined;
    const [first] = server.origins;
    const hosts = server.origins.map((each) => new URL(each).host);
    return { origin: first, host: new URL(first).host, hosts, pids: server.pids, storePid, client };
  }

  #launch(program: string, directory: string, storage: Storage, mode: string | undefined): Promise<RunningServer> {
    switch (program) {
      case 'meridian':
        return startMeridian({
          directory,
          storage,
          redirect: mode?.startsWith('streamed') ? 'never' : 'always',
          processes: mode?.endsWith('2') ? 2 : 1,
        });
      case 'distribution':
        return startDistribution(directory, storage, mode === undefined);
      case 'olareg':
        return startOlareg(directory);
      case 'nginx':
        return startNginx(directory);
      default:
        throw new Error(`nobody knows how to start ${program}`);
    }
  }

  async #rawMinio(): Promise<Contender> {
    const minio = await this.#sharedMinio();
    const folder = `/${await minio.newBucket()}`;
    const { endpoint: origin } = minio;
    const client = () => new ObjectClient(origin, folder, minio);
    const { host } = new URL(origin);
    return { origin, host, hosts: [host], pids: [minio.process.pid], client };
  }

  async #bucket(): Promise<Storage> {
    const minio = await this.#sharedMinio();
    const { endpoint, accessKeyId, secretAccessKey } = minio;
    const [bucket, reader] = await Promise.all([minio.newBucket(), newMinioReader(minio)]);
    return { driver: 's3', endpoint, bucket, accessKeyId, secretAccessKey, reader };
  }

  #sharedMinio(): Promise<TestS3Server> {
    this.#minio ??= startMinio().then((minio) => {
      this.scene.defer(() => minio.stop());
      return minio;
    });
    return this.#minio;
  }
}
