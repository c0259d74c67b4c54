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
  readonly origin: string;
  readonly host: string;
  readonly pid: number;
  readonly storePid?: number;
  /** A new client, with connections of its own. */
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
    const client =
      program === 'nginx'
        ? () => new ObjectClient(server.origin, '/store')
        : () => new RegistryClient(server.origin, REPOSITORY);
    const storePid = onMinio ? await this.minioPid() : undefined;
    return { origin: server.origin, host: new URL(server.origin).host, pid: server.pid, storePid, client };
  }

  #launch(program: string, directory: string, storage: Storage, mode?: string): Promise<RunningServer> {
    switch (program) {
      case 'meridian':
        return startMeridian({ directory, storage, redirect: mode === 'streamed' ? 'never' : 'always' });
      case 'distribution':
        return startDistribution(directory, storage);
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
    return { origin, host: new URL(origin).host, pid: minio.process.pid, client };
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
