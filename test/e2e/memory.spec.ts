import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster } from '../support/cluster.js';
import { OciClient } from '../support/oci-client.js';
import { residentBytes } from '../support/resident-bytes.js';

const GIGABYTE = 1_000_000_000;
const CHUNK = randomBytes(1_000_000);
const ALLOWED_GROWTH = 100_000_000;

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start({ regions: ['here', 'there'] });
}, 120_000);

afterAll(async () => {
  await cluster?.stop();
}, 60_000);

function* gigabyte(): Iterable<Uint8Array> {
  for (let sent = 0; sent < GIGABYTE; sent += CHUNK.length) yield CHUNK;
}

/** Runs `work` and returns by how much the process's memory grew at the most. */
async function growthDuring(pid: number, work: () => Promise<void>): Promise<number> {
  const before = await residentBytes(pid);
  let most = before;
  let done = false;
  const watching = (async () => {
    while (!done) {
      most = Math.max(most, await residentBytes(pid));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  await work();
  done = true;
  await watching;
  return most - before;
}

describe('a blob of 1 GB', () => {
  it('goes up and down while the memory of the registry grows by less than 100 MB', async () => {
    const client = new OciClient(cluster.primary.registry);
    const hash = createHash('sha256');
    for (const chunk of gigabyte()) hash.update(chunk);
    const digest = `sha256:${hash.digest('hex')}`;
    // Warm: what a process needs for its first upload is not what grows with the blob.
    await client.pushBlob('e2e/big', { digest: warm.digest, size: warm.bytes.length, bytes: warm.bytes });

    const pid = cluster.primary.pid ?? 0;
    const up = await growthDuring(pid, async () => {
      const location = await client.beginUpload('e2e/big');
      const body = ReadableStream.from(gigabyte());
      const patched = await fetch(location, { method: 'PATCH', body, duplex: 'half' } as unknown as RequestInit);
      expect(patched.status).toBe(202);
      const end = new URL(patched.headers.get('location') ?? '', location);
      end.searchParams.set('digest', digest);
      expect((await fetch(end, { method: 'PUT' })).status).toBe(201);
    });
    const down = await growthDuring(pid, async () => {
      expect(await client.pullBlob('e2e/big', digest)).toBe(GIGABYTE);
    });
    // Said as numbers, so that a failure tells by how much.
    expect(Math.max(up, down)).toBeLessThan(ALLOWED_GROWTH);
  }, 180_000);
});

const warm = (() => {
  const bytes = Buffer.alloc(40_000_000, CHUNK);
  return { bytes, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` };
})();
