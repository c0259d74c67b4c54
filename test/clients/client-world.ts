import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster, hostOf } from '../support/cluster.js';
import { type SampleImage, tarOfOneFile, writeSampleImage } from '../support/image.js';
import { runTool } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';
import { ClientHome } from './client-home.js';

const REGIONS = ['here', 'there'];

/** Every client pushes through the router, and pulls from everywhere. */
export const PLACES: readonly string[] = ['the router', ...REGIONS];

/** What is pushed before any client is looked at: an index over two architectures. */
export const SEED = 'clients/seed:1';

const THERE_WITHIN_MS = 30_000;

/** A cluster, an image, and a home for clients that is nobody's. */
export class ClientWorld extends ClientHome {
  private constructor(
    directory: string,
    readonly image: SampleImage,
    /** A tar archive that engines make an image of. */
    readonly rootfs: string,
    private readonly cluster: Cluster,
  ) {
    super(directory);
  }

  static async start(): Promise<ClientWorld> {
    const directory = await mkdtemp(join(tmpdir(), 'meridian-clients-'));
    const image = await writeSampleImage(join(directory, 'image'));
    // Podman refuses a file of logins that it was told of and does not find.
    await writeFile(join(directory, 'auth.json'), '{}');
    const rootfs = join(directory, 'rootfs.tar');
    await writeFile(rootfs, tarOfOneFile(randomBytes(64 * 1024)));
    const world = new ClientWorld(directory, image, rootfs, await Cluster.start({ regions: REGIONS }));
    const insecure = ['--src-tls-verify=false', '--dest-tls-verify=false'];
    await world.run('skopeo', 'copy', '--all', ...insecure, `oci:${image.layout}`, `docker://${world.through(SEED)}`);
    return world;
  }

  async stop(): Promise<void> {
    await this.cluster.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** What a program wrote to its output. */
  async run(name: string, ...args: string[]): Promise<string> {
    return (await runTool(name, args, { cwd: this.directory, env: this.env })).stdout.trim();
  }

  /** Host and port of a place. */
  at(place: string): string {
    return hostOf(place === 'the router' ? this.cluster.router : this.cluster.region(place).registry);
  }

  through(reference: string): string {
    return `${this.at('the router')}/${reference}`;
  }

  digest(place: string, reference: string): Promise<string> {
    return this.run('crane', 'digest', `${this.at(place)}/${reference}`);
  }

  /** Replicas follow by themselves; until then they may say "not yet", never something else. */
  untilThere(place: string, reference: string): Promise<string> {
    return this.eventually(place, reference, () => this.digest(place, reference));
  }

  /** Until it succeeds: a replica may not have it yet. */
  eventually<T>(place: string, what: string, attempt: () => Promise<T>): Promise<Exclude<T, undefined | false>> {
    return waitFor(attempt, { what: `${what} in ${place}`, withinMs: THERE_WITHIN_MS });
  }

  async isGone(place: string, reference: string): Promise<boolean> {
    const url = `http://${this.at(place)}/v2/${reference.replace(':', '/manifests/')}`;
    return (await fetch(url, { method: 'HEAD' })).status === 404;
  }

  /** The artifact types of what refers to a manifest. */
  async referrers(place: string, repository: string, digest: string): Promise<readonly (string | undefined)[]> {
    const response = await fetch(`http://${this.at(place)}/v2/${repository}/referrers/${digest}`);
    const { manifests } = (await response.json()) as { manifests: readonly { artifactType?: string }[] };
    return manifests.map(({ artifactType }) => artifactType);
  }
}

/** What a client stored under a digest has that digest. */
export async function digestOfBlob(layout: string, digest: string): Promise<string> {
  const bytes = await readFile(join(layout, 'blobs', 'sha256', digest.slice('sha256:'.length)));
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
