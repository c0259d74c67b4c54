import { bytes, textTable } from './text-table.js';

interface VerifyBody {
  readonly outcome: string;
  readonly seq: number;
  readonly regions: readonly {
    readonly region: string;
    readonly state: string;
    readonly reason?: string;
    readonly repositories: number;
    readonly rehashed: { readonly blobs: number; readonly bytes: number };
    readonly differing: readonly { readonly repository: string; readonly names: readonly string[] }[];
  }[];
}

/** What each region is, held beside the primary, and what differs. */
export function showVerify(body: VerifyBody | null): string {
  if (body === null) return 'nothing was verified since this process began';
  const head = ['REGION', 'STATE', 'REPOSITORIES', 'READ AGAIN'];
  const rows = body.regions.map(({ region, state, reason, repositories, rehashed }) => [
    region,
    reason === undefined ? state : `${state}: ${reason}`,
    String(repositories),
    `${rehashed.blobs} blobs, ${bytes(rehashed.bytes)}`,
  ]);
  const names = body.regions.flatMap(({ region, differing }) =>
    differing.flatMap((found) => found.names.map((name) => `${region}: ${found.repository}: ${name}`)),
  );
  return [textTable([head, ...rows]), ...names, `${body.outcome}, at change ${body.seq}`].join('\n');
}
