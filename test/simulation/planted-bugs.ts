import type { RegionName } from '#libs/geo';
import type { ObjectStore } from '#libs/storage';
import type { RegistryProcess } from './registry-process.js';
import type { ReplicatorProcessOptions } from './replicator-process.js';

export const PLANTED_BUGS = ['none'] as const;
export type PlantedBug = (typeof PLANTED_BUGS)[number];

/** Where a planted bug gets in: around the ports, so that no product code knows of it. */
export const bugged = {
  store: (_bug: PlantedBug | undefined, store: ObjectStore, _region: RegionName, _kind: string): ObjectStore => store,
  registry: (_bug: PlantedBug | undefined, registry: RegistryProcess): RegistryProcess => registry,
  replicator: (_bug: PlantedBug | undefined, options: ReplicatorProcessOptions): ReplicatorProcessOptions => options,
};
