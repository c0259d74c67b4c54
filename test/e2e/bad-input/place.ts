import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { deriveClusterKey } from '#libs/geo';
import { readSecret } from '#libs/platform';
import { waitForImage } from '../../support/admin-client.js';
import type { Cluster } from '../../support/cluster.js';
import { OciClient, sampleBlob, sampleImage } from '../../support/oci-client.js';
import { type Answer, type Ask, ask } from './wire.js';

/** Ten bytes that every repository of the suite has. */
export const TEN = sampleBlob(Buffer.from('0123456789'));
export const IMAGE = sampleImage('bad input', [TEN.bytes]);

/** Where a client may reach the registry, with a repository of its own that holds {@link IMAGE} as `v1`. */
export interface Place {
  readonly name: 'primary' | 'replica' | 'router';
  readonly origin: string;
  readonly repository: string;
  /** What regions sign with. */
  readonly keys: { readonly grant: Uint8Array; readonly regionToken: Uint8Array };
  /** The region that answers there; of the router: the primary. */
  readonly region: string;
}

/** The three places, once the replica has everything of them. */
export async function openPlaces(cluster: Cluster): Promise<readonly Place[]> {
  const { primary, replicas, router } = cluster;
  const [replica] = replicas;
  if (replica === undefined) throw new Error('the cluster needs a replica');
  const keys = await keysOf(cluster);
  const places: readonly Place[] = [
    { name: 'primary', origin: primary.registry, region: primary.name, repository: 'bad/primary', keys },
    { name: 'replica', origin: replica.registry, region: replica.name, repository: 'bad/replica', keys },
    { name: 'router', origin: router, region: primary.name, repository: 'bad/router', keys },
  ];
  for (const { repository } of places) {
    await new OciClient(primary.registry).pushImage(repository, IMAGE, 'v1');
    await waitForImage(cluster, repository, 'v1');
  }
  return places;
}

async function keysOf({ directory }: Cluster): Promise<Place['keys']> {
  const secrets = join(directory, 'secrets');
  const [file] = (await readdir(secrets)).filter((name) => name.includes('cluster'));
  const rules = { setting: 'clusterKeyFile', minBytes: 32, warn: () => undefined };
  const secret = readSecret(join(secrets, file ?? ''), rules);
  return { grant: deriveClusterKey(secret, 'grant'), regionToken: deriveClusterKey(secret, 'region-token') };
}

/** Begins an upload there, with these bytes in it, and returns the id of its session. */
export async function beginUpload(place: Place, bytes = ''): Promise<string> {
  const begun = await ask(place.origin, { method: 'POST', path: `/v2/${place.repository}/blobs/uploads/` });
  const id = String(begun.headers['docker-upload-uuid']);
  if (bytes !== '') await ask(place.origin, { method: 'PATCH', path: sessionPath(place, id), body: bytes });
  return id;
}

export function sessionPath({ repository }: Pick<Place, 'repository'>, id: string, query = ''): string {
  return `/v2/${repository}/blobs/uploads/${id}${query}`;
}

/** A request of the table, and what it gets: any of the statuses, any of the codes. */
export interface Row {
  readonly name: string;
  readonly ask: (place: Place) => Ask | Promise<Ask>;
  readonly status: number | readonly number[];
  readonly code?: string | readonly string[];
  /** Looks closer. */
  readonly also?: (answer: Answer, place: Place) => void | Promise<void>;
}

export const get = (path: string, headers: Ask['headers'] = {}): Row['ask'] => {
  return ({ repository }) => ({ path: path.replace('<name>', repository), headers });
};

export const request = (method: string, path: string, more: Omit<Ask, 'path' | 'method'> = {}): Row['ask'] => {
  return ({ repository }) => ({ method, path: path.replace('<name>', repository), ...more });
};
