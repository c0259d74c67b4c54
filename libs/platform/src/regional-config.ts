import type { RegionName, RegionSite } from '#libs/geo';
import type { Config, StorageConfig } from './config.js';
import { ConfigError, type ConfigProblem } from './config-error.js';

/** What a process that belongs to a region knows of it. */
export interface RegionalConfig {
  readonly region: RegionName;
  readonly site: RegionSite;
  readonly primary: RegionSite;
  readonly storage: StorageConfig;
}

/** @throws ConfigError when the configuration is one for a process without a region */
export function regionalConfig(config: Config): RegionalConfig {
  const { region, storage, topology } = config;
  const site = topology.regions.find(({ name }) => name === region);
  const primary = topology.regions.find(({ role }) => role === 'primary');
  if (region && storage && site && primary) return { region, site, primary, storage };
  const missing: ConfigProblem[] = [];
  if (!region) missing.push(problem('region', 'is missing: this process belongs to a region', 'MERIDIAN_REGION'));
  if (!storage)
    missing.push(problem('storage', 'is missing: a region needs a store', 'MERIDIAN_STORAGE_DRIVER and others'));
  throw new ConfigError(missing);
}

function problem(path: string, what: string, variables: string): ConfigProblem {
  return { path, what, where: `set it in the file, or set ${variables}` };
}
