import { Cluster } from '../support/cluster.js';
import { startMinio } from '../support/minio.js';
import { startSingleRegion } from '../support/single-region.js';

/** Where the API is held against the specification. */
export interface Place {
  readonly name: string;
  readonly url: string;
  /** Begins the names of its repositories: two places may be one registry behind two addresses. */
  readonly namespace: string;
  /** Whether an index may name manifests that are not there: an operator's choice (`manifests.sparseIndexes`). */
  readonly sparseIndexes: 'accept' | 'refuse';
}

export interface Places {
  readonly places: readonly Place[];
  stop(): Promise<void>;
}

/** The primary on a directory, the same through the router, and a primary on MinIO. */
export async function startPlaces(): Promise<Places> {
  const started: { stop(): Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    for (const each of started.reverse()) await each.stop();
  };
  const keep = <T extends { stop(): Promise<void> }>(each: T): T => {
    started.push(each);
    return each;
  };
  try {
    const cluster = keep(await Cluster.start({ regions: ['here', 'there'] }));
    const minio = keep(await startMinio());
    const single = keep(await startSingleRegion({ s3: minio, settings: { manifests: { sparseIndexes: 'accept' } } }));
    const place = (name: string, url: string, sparseIndexes: Place['sparseIndexes'] = 'refuse'): Place => ({
      name: `the ${name}`,
      url,
      namespace: `conformance/${name.replaceAll(' ', '-')}`,
      sparseIndexes,
    });
    const places = [
      place('primary', cluster.primary.registry),
      place('router', cluster.router),
      place('primary on minio', single.registry, 'accept'),
    ];
    return { places, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
