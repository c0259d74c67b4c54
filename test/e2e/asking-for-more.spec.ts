import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setLink } from '../support/admin-client.js';
import { Cluster } from '../support/cluster.js';
import { OciClient, type SampleImage, sampleImage } from '../support/oci-client.js';
import { ROOT } from '../support/process.js';
import { waitFor } from '../support/wait-for.js';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start();
}, 120_000);

afterAll(async () => {
  await cluster?.stop();
}, 60_000);

const FAR = 'southeastasia';
const MANIFEST = '/v2/e2e/asked/manifests';

/** An image whose blobs are pushed, and whose manifest is not. */
async function prepared(name: string): Promise<SampleImage> {
  const image = sampleImage(name, [randomBytes(32 * 1024)]);
  const client = new OciClient(cluster.primary.registry);
  for (const blob of image.blobs) await client.pushBlob('e2e/asked', blob);
  return image;
}

const push = (origin: string, tag: string, { manifest }: SampleImage, concern?: string) =>
  new OciClient(origin, concern === undefined ? {} : { 'meridian-write-concern': concern }).pushManifest(
    'e2e/asked',
    tag,
    manifest,
  );

const read = (origin: string, tag: string, seq: string) =>
  new OciClient(origin).request(`${MANIFEST}/${tag}`, { headers: { 'meridian-min-sequence': seq } });

/** Cuts the far region off from all others, or lets it come back. */
async function far(state: 'cut' | 'up'): Promise<void> {
  for (const { name } of cluster.regions) if (name !== FAR) await setLink(cluster, FAR, name, { state });
}

/** Runs the command line as a process. */
function meridian(args: readonly string[], url = new URL(cluster.primary.admin).origin) {
  const program = join(ROOT, 'dist/apps/cli/src/main.js');
  let process: ReturnType<typeof execFile> | undefined;
  const ended = new Promise<{ readonly code: number; readonly out: string; readonly complaints: string }>((resolve) => {
    process = execFile('node', [program, ...args, '--url', url], (error, out, complaints) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, complaints }),
    );
  });
  return { ended, process };
}

describe('asking for more', () => {
  it('gives whoever hands on a token at least that state, at each region and through the router', async () => {
    const origins = [cluster.router, ...cluster.regions.map(({ registry }) => registry)];
    for (let round = 0; round < 3; round += 1) {
      const image = await prepared(`token ${round}`);
      const pushed = await push(cluster.primary.registry, 'token', image);
      const seq = pushed.headers.get('meridian-sequence') ?? '';
      expect([pushed.status, Number(seq) > 0]).toEqual([201, true]);
      const answers = await Promise.all(origins.map((origin) => read(origin, 'token', seq)));
      expect(answers.map(({ status, headers }) => [status, headers.get('docker-content-digest')])).toEqual(
        origins.map(() => [200, image.manifest.digest]),
      );
    }
    const deleted = await new OciClient(cluster.router).request(`${MANIFEST}/token`, { method: 'DELETE' });
    const seq = deleted.headers.get('meridian-sequence') ?? '';
    for (const origin of origins) expect((await read(origin, 'token', seq)).status).toBe(404);
    expect((await read(cluster.router, 'token', 'x')).status).toBe(400);
  });

  it('holds a push until the regions have the image: at the primary, at a replica and through the router', async () => {
    for (const origin of [cluster.primary.registry, cluster.region('westeurope').registry, cluster.router]) {
      const image = await prepared(`concern ${origin}`);
      const pushed = await push(origin, 'held', image, 'all; timeout=30s');
      const present = (pushed.headers.get('meridian-present') ?? '').split(',');
      expect([pushed.status, present.sort()]).toEqual([201, cluster.regions.map(({ name }) => name).sort()]);
      // What is present needs nobody: each region answers by itself.
      for (const { registry } of cluster.regions) {
        const there = await new OciClient(registry).request(`${MANIFEST}/held`);
        expect([there.headers.get('meridian-source'), there.headers.get('docker-content-digest')]).toEqual([
          'local',
          image.manifest.digest,
        ]);
      }
    }
  });

  it('tells who lacks what of a push that stands, and answers "not yet" where nobody else can be asked', async () => {
    await far('cut');
    try {
      const image = await prepared('cut');
      const late = await push(cluster.router, 'cut', image, 'all; timeout=2s');
      const body = (await late.json()) as { errors: [{ code: string; message: string; detail: object }] };
      expect(late.status).toBe(504);
      expect(body.errors[0]).toMatchObject({ code: 'REPLICATION_PENDING', detail: { lacking: [{ region: FAR }] } });
      expect(body.errors[0].message).toMatch(/the push stands/);
      expect((await push(cluster.router, 'cut', image, 'majority')).status).toBe(201);
      const seq = late.headers.get('meridian-sequence') ?? '';
      const pending = await read(cluster.region(FAR).registry, 'cut', seq);
      expect(pending.status).toBe(503);
      expect(Number(pending.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await pending.json()).toMatchObject({
        errors: [{ code: 'REPLICATION_PENDING', detail: { region: FAR } }],
      });
      const waited = await meridian(['wait', '--seq', seq, '--timeout', '1']).ended;
      expect([waited.code, waited.out]).toEqual([3, expect.stringMatching(new RegExp(`${FAR} +(at|silent)`))]);
      const unknown = await push(cluster.primary.registry, 'never', image, 'regions=atlantis');
      expect(unknown.status).toBe(400);
    } finally {
      await far('up');
    }
    expect((await meridian(['wait', 'e2e/asked:cut', '--timeout', '60']).ended).code).toBe(0);
  });

  it('tells as it happens, where an image is, and how far regions are, by the command line', async () => {
    const heard: { readonly event: string; readonly data: { readonly region: string; readonly tags?: string[] } }[] =
      [];
    const listener = meridian(['events', '--json']);
    listener.process?.stdout?.on('data', (text: string) => {
      for (const line of String(text).trim().split('\n')) heard.push(JSON.parse(line));
    });
    await waitFor(() => heard.length > 0, { what: 'the first event', withinMs: 10_000 });
    await push(cluster.router, 'told', await prepared('told'));
    const present = () => heard.filter(({ event, data }) => event === 'present' && data.tags?.includes('told'));
    await waitFor(() => present().length === 3, { what: 'the image in each region', withinMs: 30_000 });
    expect(new Set(present().map(({ data }) => data.region))).toEqual(new Set(cluster.regions.map(({ name }) => name)));
    listener.process?.kill('SIGTERM');
    expect((await listener.ended).code).toBe(0);

    const images = await meridian(['images', 'e2e/asked:told']).ended;
    expect(images.out.match(/present since/g)).toHaveLength(3);
    const status = await meridian(['status']).ended;
    expect([status.code, status.out]).toEqual([0, expect.stringContaining('up to date')]);
    const metrics = await (await fetch(cluster.primary.metrics)).text();
    expect(metrics).toMatch(new RegExp(`meridian_replication_present_seconds_count\\{.*region="${FAR}".*\\} [1-9]`));
    const nobody = await meridian(['status'], 'http://127.0.0.1:9').ended;
    expect([nobody.code, nobody.complaints]).toEqual([1, expect.stringContaining('nobody answers')]);
  });
});
