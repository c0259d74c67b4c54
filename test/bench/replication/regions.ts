import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { deriveClusterKey, parseRegionName } from '#libs/geo';
import { parseReference, parseRepositoryName } from '#libs/oci';
import { HttpPeerClient } from '#libs/peer';
import { systemClock } from '#libs/resilience';
import { Cluster, type ClusterRegion } from '../../support/cluster.js';
import { Blob } from '../lib/blob.js';
import { cpuSeconds } from '../lib/process-usage.js';
import type { Scene } from '../lib/suite.js';
import { Arrivals } from './arrivals.js';
import { type Image, inParallel, newImage, type Pushed, Pusher } from './images.js';
import { type LineLimit, lineLimit } from './line-limit.js';
import { type Lines, Network, writeLines } from './network.js';

/** The primary, wherever it stands among the others. */
export const HOME = 'home';

/** A region that copies, and when it had what. */
export interface Replica {
  readonly name: string;
  readonly region: ClusterRegion;
  readonly arrivals: Arrivals;
  readonly peer: HttpPeerClient;
}

/** Three regions on this machine, with lines between them that are as long as they are asked to be. */
export class Regions {
  readonly network: Network;

  private constructor(
    readonly cluster: Cluster,
    readonly replicas: readonly [Replica, Replica],
    readonly signal: AbortSignal,
  ) {
    this.network = new Network(cluster.wan);
  }

  static async open(scene: Scene, lines: Lines, names: readonly [string, string] = ['east', 'west']): Promise<Regions> {
    await mkdir(scene.directory, { recursive: true });
    const args = ['--wan', await writeLines(scene.directory, lines)];
    const cluster = await Cluster.start({ regions: [HOME, ...names], args, within: scene.runDirectory });
    scene.defer(() => cluster.stop());
    const [first, second] = [await follow(cluster, names[0], scene), await follow(cluster, names[1], scene)];
    return new Regions(cluster, [first, second], scene.signal);
  }

  get home(): string {
    return this.cluster.primary.registry;
  }

  /** A registry as a client in that region reaches it. */
  registryFrom(from: string, to: string): string {
    const url = this.cluster.region(from).registries[to];
    if (url === undefined) throw new Error(`${from} does not know ${to}`);
    return url;
  }

  /** Of the line between the primary and the first replica, measured now, when the replicas have copied what it is measured with. */
  async limit(bytes: number): Promise<LineLimit> {
    const repository = 'bench/limit';
    const blob = new Blob(bytes);
    const [pushed] = await this.push([newImage([blob])], 1, repository);
    if (pushed === undefined) throw new Error('nothing was pushed');
    await this.presentMs(pushed);
    return lineLimit(this.registryFrom(this.replicas[0].name, HOME), repository, blob);
  }

  /** Pushes at the primary, by so many clients at once, in the order in which they come to it. */
  async push(images: readonly Image[], clients = 1, repository = 'bench/app'): Promise<readonly Pushed[]> {
    const pushers = Array.from({ length: clients }, () => new Pusher(this.home, repository));
    try {
      return await inParallel(pushers, images, (pusher, image) => pusher.push(image));
    } finally {
      for (const pusher of pushers) pusher.close();
    }
  }

  /** When each replica had that push. */
  presentMs({ seq }: Pushed): Promise<readonly number[]> {
    return Promise.all(this.replicas.map(({ arrivals }) => arrivals.of(seq, this.signal)));
  }

  /** What a region applied it must have: asked of the region itself, which looks into its store. */
  async expectPresent(pushed: readonly Pushed[], repository = 'bench/app'): Promise<void> {
    const last = pushed.at(-1);
    if (last === undefined) return;
    for (const { peer, name } of this.replicas) {
      const image = { repository: parseRepositoryName(repository), reference: parseReference(last.image.digest) };
      const { state } = await peer.presence(image, { waitMs: 0, signal: this.signal });
      if (state !== 'present') throw new Error(`${name} applied ${last.image.digest} and says it is ${state}`);
    }
  }

  /** Leaves a region whose processes are halted as if it had never begun: with nothing in its store. */
  async emptyStore(name: string): Promise<void> {
    const file = join(this.cluster.directory, 'config', `${name}-registry.json`);
    const { storage } = JSON.parse(await readFile(file, 'utf8'));
    await rm(storage.directory, { recursive: true });
  }

  /** Processor seconds that a region's processes used so far, by their names. */
  async cpuOf(name: string): Promise<Readonly<Record<'registry' | 'replicator' | 'redis', number>>> {
    const { pids = {} } = this.cluster.region(name);
    const of = (process: string) => cpuSeconds(pids[process] ?? 0);
    return { registry: await of('registry'), replicator: await of('replicator'), redis: await of('redis') };
  }
}

async function follow(cluster: Cluster, name: string, { signal, defer }: Scene): Promise<Replica> {
  const region = cluster.region(name);
  const config = JSON.parse(await readFile(join(cluster.directory, 'config', `${name}-registry.json`), 'utf8'));
  const secret = await readFile(config.clusterKeyFile);
  const peer = new HttpPeerClient({
    region: parseRegionName(name),
    origin: region.registry,
    self: { kind: 'region', name: parseRegionName(HOME) },
    key: deriveClusterKey(secret, 'region-token'),
    clock: systemClock,
  });
  const ended = new AbortController();
  const arrivals = new Arrivals();
  defer(async () => {
    ended.abort(new Error('the row has ended'));
    await peer.close();
  });
  const listening = AbortSignal.any([signal, ended.signal]);
  void arrivals.follow(peer, listening);
  await arrivals.until(() => arrivals.status !== undefined, `a word of ${name}`, listening);
  return { name, region, arrivals, peer };
}
