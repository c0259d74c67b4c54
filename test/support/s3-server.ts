import { randomBytes } from 'node:crypto';
import { systemClock, systemRandom } from '#libs/resilience';
import { S3ObjectStore, type S3ObjectStoreOptions } from '#libs/storage';
import type { TestProcess } from './process.js';
import { signHeaders } from './sigv4-headers.js';
import { waitFor } from './wait-for.js';

/** An S3 server that a test started for itself, with nothing in it but what the test put there. */
export class TestS3Server {
  #buckets = 0;

  constructor(
    /** `http://127.0.0.1:<port>` */
    readonly endpoint: string,
    readonly accessKeyId: string,
    readonly secretAccessKey: string,
    readonly process: TestProcess,
    private readonly removeFiles: () => Promise<void>,
  ) {}

  /** Makes a bucket that nobody else uses, and returns its name. */
  async newBucket(): Promise<string> {
    this.#buckets += 1;
    const bucket = `bucket-${this.#buckets}`;
    const { host } = new URL(this.endpoint);
    const create = async () => {
      const headers = signHeaders(this, { method: 'PUT', host, path: `/${bucket}` });
      const answer = await fetch(`${this.endpoint}/${bucket}`, { method: 'PUT', headers });
      return answer.status === 503 ? undefined : answer.status;
    };
    // A server on a busy machine says that it is ready a moment before it takes buckets.
    const status = await waitFor(create, { what: 'the S3 server to take a bucket' });
    if (status !== 200) throw new Error(`the S3 server made no bucket: ${status}`);
    return bucket;
  }

  /** A store on one of the buckets. Close it. */
  store(bucket: string, options: Partial<S3ObjectStoreOptions> = {}): S3ObjectStore {
    return new S3ObjectStore({
      endpoint: this.endpoint,
      region: 'us-east-1',
      bucket,
      accessKeyId: this.accessKeyId,
      secretAccessKey: this.secretAccessKey,
      clock: systemClock,
      random: systemRandom,
      ...options,
    });
  }

  async stop(): Promise<void> {
    await this.process.stop();
    await this.removeFiles();
  }
}

/** A pair of keys that only this run knows. */
export function newCredentials(): { readonly accessKeyId: string; readonly secretAccessKey: string } {
  return { accessKeyId: `test-${randomBytes(6).toString('hex')}`, secretAccessKey: randomBytes(20).toString('hex') };
}
