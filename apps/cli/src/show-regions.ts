import { bytes, seconds, textTable } from './text-table.js';

interface StatusBody {
  readonly regions: readonly {
    readonly region: string;
    readonly role?: string;
    readonly state: string;
    readonly ageSeconds: number | null;
    readonly silentSince?: string;
    readonly upToDate: boolean;
    readonly presentLag?: { readonly p50Seconds: number; readonly p99Seconds: number };
    readonly status?: {
      readonly pausedSinceMs?: number;
      readonly setAside?: number;
      readonly head: number;
      readonly watermark: number;
      readonly lagSeconds: number;
      readonly backlog: { readonly entries: number; readonly bytes: number };
      readonly throughput?: { readonly bytesPerSecond: number };
      readonly failed: readonly { readonly seq: number; readonly reason: string }[];
    };
  }[];
}

/** How far each region is, and what it could not get. */
export function showStatus({ regions }: StatusBody): string {
  const head = ['REGION', 'ROLE', 'STATE', 'APPLIED', 'LAG', 'BACKLOG', 'IN', 'PRESENT P50/P99'];
  const rows = regions.map(({ region, role, state, silentSince, upToDate, status, presentLag }) => [
    region,
    role ?? '?',
    state === 'silent'
      ? `silent${silentSince === undefined ? '' : ` since ${silentSince}`}`
      : `${upToDate ? 'up to date' : 'behind'}${pausedOf(status?.pausedSinceMs)}`,
    status === undefined ? '?' : `${status.watermark} of ${status.head}`,
    status === undefined || state === 'silent' ? '?' : seconds(status.lagSeconds),
    status === undefined ? '?' : `${status.backlog.entries}, ${bytes(status.backlog.bytes)}`,
    `${bytes(status?.throughput?.bytesPerSecond ?? 0)}/s`,
    presentLag === undefined ? '-' : `${seconds(presentLag.p50Seconds)} / ${seconds(presentLag.p99Seconds)}`,
  ]);
  const failures = regions.flatMap(({ region, status }) =>
    (status?.failed ?? []).map(({ seq, reason }) => `${region}: change ${seq} failed: ${reason}`),
  );
  const aside = regions.flatMap(({ region, status }) =>
    status?.setAside === undefined
      ? []
      : [`${region}: ${status.setAside} copies were set aside, see \`meridian failed\``],
  );
  return [textTable([head, ...rows]), ...failures, ...aside].join('\n');
}

function pausedOf(sinceMs: number | undefined): string {
  return sinceMs === undefined ? '' : `, paused since ${new Date(sinceMs).toISOString()}`;
}

interface Presence {
  readonly region: string;
  readonly state: string;
  readonly silent?: true;
  readonly sinceMs?: number;
  readonly reason?: string;
  readonly bytes: { readonly done: number; readonly total: number };
}

/** What each region has of an image. */
export function showPresences({ regions }: { readonly regions: readonly Presence[] }): string {
  return textTable([['REGION', 'IMAGE'], ...regions.map((presence) => [presence.region, stateOf(presence)])]);
}

function stateOf({ state, silent, sinceMs, reason, bytes: { done, total } }: Presence): string {
  if (silent === true) return 'unknown: the region is silent';
  if (state === 'present')
    return sinceMs === undefined ? 'present' : `present since ${new Date(sinceMs).toISOString()}`;
  if (state === 'copying') return `copying ${bytes(done)} of ${bytes(total)}`;
  return reason === undefined ? state : `${state}: ${reason}`;
}

interface Arrival {
  readonly region: string;
  readonly applied: boolean;
  readonly watermark?: number;
  readonly silent?: true;
}

/** What was waited for: an image, or a change. */
export function showWait(body: {
  readonly regions: readonly (Presence | Arrival)[];
  readonly waitedMs: number;
}): string {
  const rows = body.regions.map((each) => [each.region, 'applied' in each ? arrivalOf(each) : stateOf(each)]);
  return `${textTable([['REGION', 'STATE'], ...rows])}\nwaited ${seconds(body.waitedMs / 1_000)}`;
}

function arrivalOf({ applied, watermark, silent }: Arrival): string {
  if (applied) return 'applied';
  return `${silent === true ? 'silent, last heard at' : 'at'} ${watermark ?? '?'}`;
}
