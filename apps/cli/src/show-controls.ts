import { bytes, textTable } from './text-table.js';

interface Control {
  readonly region: string;
  readonly pausedSinceMs: number | null;
  readonly limits: readonly object[] | null;
}

/** What was said of a region's replication. */
export function showControl({ region, pausedSinceMs, limits }: Control): string {
  const paused = pausedSinceMs === null ? 'not paused' : `paused since ${new Date(pausedSinceMs).toISOString()}`;
  const said = limits === null ? ['as its configuration says'] : limits.map((limit) => JSON.stringify(limit));
  return [`${region}: ${paused}`, 'limits:', ...(said.length === 0 ? ['none'] : said).map((each) => `  ${each}`)].join(
    '\n',
  );
}

interface Failures {
  readonly regions: readonly {
    readonly region: string;
    readonly silent?: true;
    readonly failed?: readonly {
      readonly digest: string;
      readonly size: number;
      readonly reason: string;
      readonly failures: number;
      readonly sinceMs: number;
      readonly repositories: readonly string[];
    }[];
  }[];
}

/** Copies that were set aside, one line each. */
export function showFailed({ regions }: Failures): string {
  const silent = regions.filter((each) => each.silent === true).map(({ region }) => `${region} is silent`);
  const rows = regions.flatMap(({ region, failed = [] }) =>
    failed.map(({ digest, size, reason, failures, sinceMs, repositories }) => [
      region,
      digest,
      bytes(size),
      new Date(sinceMs).toISOString(),
      String(failures),
      repositories.join(', '),
      reason,
    ]),
  );
  if (rows.length === 0) return ['nothing was set aside', ...silent].join('\n');
  const head = ['REGION', 'BLOB', 'SIZE', 'SINCE', 'FAILURES', 'NEEDED BY', 'WHY'];
  return [textTable([head, ...rows]), ...silent].join('\n');
}

/** Which regions were told to try again. */
export function showRetried({ regions }: { readonly regions: readonly { region: string; silent?: true }[] }): string {
  return regions
    .map(({ region, silent }) => `${region}: ${silent === true ? 'silent, ask again' : 'tries again'}`)
    .join('\n');
}
