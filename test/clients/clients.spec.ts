import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster, hostOf } from '../support/cluster.js';
import { type SampleImage, writeSampleImage } from '../support/image.js';
import { runTool } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';

/** Every client is pushed with through the router, and pulled with from everywhere. */
const REGIONS = ['here', 'there'];
const PLACES = ['the router', ...REGIONS];

let cluster: Cluster;
let directory: string;
let image: SampleImage;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'meridian-clients-'));
  // Clients keep settings and logins in the user's home; a test must neither read nor write them.
  env = { HOME: directory, DOCKER_CONFIG: directory, REGISTRY_AUTH_FILE: join(directory, 'auth.json') };
  image = await writeSampleImage(join(directory, 'image'));
  cluster = await Cluster.start({ regions: REGIONS });
}, 120_000);

afterAll(async () => {
  await cluster?.stop();
  await rm(directory, { recursive: true, force: true });
}, 60_000);

const run = async (name: string, ...args: string[]) =>
  (await runTool(name, args, { cwd: directory, env })).stdout.trim();
const at = (place: string) => hostOf(place === 'the router' ? cluster.router : cluster.region(place).registry);
const through = (reference: string) => `${hostOf(cluster.router)}/${reference}`;

/** A place that tests write to; what a client leaves there is looked at. */
const folder = async (name: string) => {
  const path = join(directory, name.replaceAll(' ', '-'));
  await mkdir(path, { recursive: true });
  return path;
};

/** Replicas follow by themselves; until then they may say "not yet", never something else. */
const untilThere = (place: string, reference: string) =>
  waitFor(() => run('crane', 'digest', `${at(place)}/${reference}`), {
    what: `${reference} to be in ${place}`,
    withinMs: 30_000,
  });

describe('crane', () => {
  it('pushes an index with images for two architectures', async () => {
    await run('crane', 'push', '--index', image.layout, through('clients/crane:1'));
    expect(await run('crane', 'digest', through('clients/crane:1'))).toBe(image.layoutDigest);
  });

  it.each(PLACES)('finds the same digest, and valid layers, in %s', async (place) => {
    expect(await untilThere(place, 'clients/crane:1')).toBe(image.layoutDigest);
    await run('crane', 'validate', '--remote', `${at(place)}/clients/crane:1`);
  });

  it.each(PLACES)('pulls every blob from %s', async (place) => {
    const target = await folder(`crane ${place}`);
    await run('crane', 'pull', '--format', 'oci', `${at(place)}/clients/crane:1`, target);
    for (const digest of [...image.manifests, ...image.blobs]) expect(await digestOfBlob(target, digest)).toBe(digest);
  });

  it('tags, lists tags and lists repositories', async () => {
    await run('crane', 'tag', through('clients/crane:1'), 'stable');
    expect((await run('crane', 'ls', through('clients/crane'))).split('\n').sort()).toEqual(['1', 'stable']);
    expect((await run('crane', 'catalog', hostOf(cluster.router))).split('\n')).toContain('clients/crane');
  });

  it('copies to another repository, whose blobs are mounted', async () => {
    await run('crane', 'copy', through('clients/crane:1'), through('clients/copied:1'));
    expect(await run('crane', 'digest', through('clients/copied:1'))).toBe(image.layoutDigest);
  });
});

describe('skopeo', () => {
  const INSECURE = ['--src-tls-verify=false', '--dest-tls-verify=false'];

  it('pushes from an OCI layout', async () => {
    const from = `oci:${image.layout}`;
    await run('skopeo', 'copy', '--all', ...INSECURE, from, `docker://${through('clients/skopeo:1')}`);
    expect(await run('crane', 'digest', through('clients/skopeo:1'))).toBe(image.digest);
  });

  it.each(PLACES)('copies digest for digest from %s', async (place) => {
    await untilThere(place, 'clients/skopeo:1');
    const target = await folder(`skopeo ${place}`);
    await run('skopeo', 'copy', '--all', ...INSECURE, `docker://${at(place)}/clients/skopeo:1`, `oci:${target}:1`);
    for (const digest of image.blobs) expect(await digestOfBlob(target, digest)).toBe(digest);
    expect(JSON.parse(await readFile(join(target, 'index.json'), 'utf8'))).toMatchObject({
      manifests: [{ digest: image.digest }],
    });
  });

  it('copies within the registry', async () => {
    const [from, to] = [`docker://${through('clients/skopeo:1')}`, `docker://${through('clients/skopeo:2')}`];
    await run('skopeo', 'copy', '--all', ...INSECURE, from, to);
    expect(await run('crane', 'digest', through('clients/skopeo:2'))).toBe(image.digest);
  });

  it('lists tags, and says what an image is', async () => {
    const tags = JSON.parse(
      await run('skopeo', 'list-tags', '--tls-verify=false', `docker://${through('clients/skopeo')}`),
    );
    expect(tags.Tags.sort()).toEqual(['1', '2']);
    const raw = await run(
      'skopeo',
      'inspect',
      '--raw',
      '--tls-verify=false',
      `docker://${through('clients/skopeo:1')}`,
    );
    expect(JSON.parse(raw)).toMatchObject({
      manifests: [{ digest: image.manifests[0] }, { digest: image.manifests[1] }],
    });
  });
});

describe('oras', () => {
  const PLAIN = ['--plain-http'];
  const TYPE = 'application/vnd.example.sample';
  const BILL = 'application/spdx+json';

  it('pushes an artifact', async () => {
    await writeFile(join(directory, 'sample.txt'), 'a sample\n');
    await run('oras', 'push', ...PLAIN, '--artifact-type', TYPE, through('clients/oras:1'), 'sample.txt:text/plain');
    expect(JSON.parse(await run('oras', 'manifest', 'fetch', ...PLAIN, through('clients/oras:1')))).toMatchObject({
      artifactType: TYPE,
    });
  });

  it('attaches another to it', async () => {
    await writeFile(join(directory, 'bill.json'), '{"spdxVersion":"SPDX-2.3"}\n');
    await run('oras', 'attach', ...PLAIN, '--artifact-type', BILL, through('clients/oras:1'), `bill.json:${BILL}`);
  });

  it.each(PLACES)('discovers what was attached in %s', async (place) => {
    await untilThere(place, 'clients/oras:1');
    const found = await waitFor(
      async () => {
        const text = await run('oras', 'discover', ...PLAIN, '--format', 'json', `${at(place)}/clients/oras:1`);
        const { manifests } = JSON.parse(text);
        return manifests?.length > 0 && manifests;
      },
      { what: `the bill to be in ${place}`, withinMs: 30_000 },
    );
    expect(found).toEqual([expect.objectContaining({ artifactType: BILL })]);
  });

  it.each(PLACES)('pulls it from %s', async (place) => {
    const target = await folder(`oras ${place}`);
    await run('oras', 'pull', ...PLAIN, '--output', target, `${at(place)}/clients/oras:1`);
    expect(await readFile(join(target, 'sample.txt'), 'utf8')).toBe('a sample\n');
  });
});

describe('regctl', () => {
  it('pushes an OCI layout and copies it with its referrers', async () => {
    for (const place of PLACES) await run('regctl', 'registry', 'set', '--tls', 'disabled', at(place));
    await run('regctl', 'image', 'copy', `ocidir://${image.layout}@${image.digest}`, through('clients/regctl:1'));
    await writeFile(join(directory, 'note.txt'), 'a note\n');
    const subject = ['--subject', through('clients/regctl:1'), '--artifact-type', 'text/note'];
    await run('regctl', 'artifact', 'put', ...subject, '--file', 'note.txt', '--file-media-type', 'text/plain');
    await run('regctl', 'image', 'copy', '--referrers', through('clients/regctl:1'), through('clients/regctl-copy:1'));
    expect(await run('regctl', 'artifact', 'list', through('clients/regctl-copy:1'))).toContain('text/note');
  });

  it.each(PLACES)('finds the same digest in %s', async (place) => {
    expect(await untilThere(place, 'clients/regctl-copy:1')).toBe(image.digest);
    expect(await run('regctl', 'image', 'digest', `${at(place)}/clients/regctl-copy:1`)).toBe(image.digest);
  });

  it('deletes a tag, and it stays away everywhere', async () => {
    await run('regctl', 'tag', 'delete', through('clients/regctl-copy:1'));
    for (const place of PLACES) {
      await waitFor(() => isGone(place, 'clients/regctl-copy:1'), {
        what: `the tag to be gone in ${place}`,
        withinMs: 30_000,
      });
    }
  });
});

const isGone = async (place: string, reference: string) =>
  (await fetch(`http://${at(place)}/v2/${reference.replace(':', '/manifests/')}`, { method: 'HEAD' })).status === 404;

/** What a client stored under a digest has that digest. */
async function digestOfBlob(layout: string, digest: string): Promise<string> {
  const bytes = await readFile(join(layout, 'blobs', 'sha256', digest.slice('sha256:'.length)));
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
