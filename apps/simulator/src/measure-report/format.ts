import type { Group, Scenario } from '../measure/sample.js';
import type { Source } from '../target/target.js';

export { formatMs } from '../sizes.js';

const MEGABYTE = 1_000_000;

/** `250 MB`, in the decimal units in which images are called large. */
export function formatMegabytes(bytes: number): string {
  const megabytes = bytes / MEGABYTE;
  if (megabytes >= 1_000) return `${Number((megabytes / 1_000).toFixed(1))} GB`;
  return `${Number(megabytes.toFixed(megabytes < 10 ? 1 : 0))} MB`;
}

export function formatRate(megabytesPerSecond: number): string {
  return Number.isNaN(megabytesPerSecond) ? '–' : `${megabytesPerSecond.toFixed(megabytesPerSecond < 10 ? 1 : 0)} MB/s`;
}

export const SOURCE_NAMES: Readonly<Record<Source, string>> = {
  router: 'through the router',
  replica: 'own replica',
  primary: 'primary',
};

export const SCENARIO_NAMES: Readonly<Record<Scenario, string>> = {
  warm: 'warm',
  cold: 'cold',
  replicating: 'while replicating',
  'region-down': 'own region down',
};

export function describeServedBy({ servedBy, failures }: Group): string {
  const failed = failures.length === 0 ? [] : [`${failures.length} failed`];
  return [...servedBy, ...failed].join(', ');
}

/** For text between tags and in attributes. */
export function escapeXml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}
