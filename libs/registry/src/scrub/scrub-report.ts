import type { Digest, RepositoryName } from '#libs/oci';

/** Findings that a report names; the others are counted. */
const MAX_FINDINGS = 500;

export interface ScrubFinding {
  /** `blob`: its bytes. `record`: what says where they are. `missing`: a manifest names it. `manifest`: its content. */
  readonly kind: 'blob' | 'record' | 'missing' | 'manifest';
  readonly digest: Digest;
  readonly repository?: RepositoryName;
  /** The key of the bytes. */
  readonly data?: string;
  readonly expected: string;
  readonly found: string;
  readonly foundMs: number;
  repaired: boolean;
}

/** What a scrub found, and where it is. */
export interface ScrubReport {
  readonly scrub: string;
  readonly startedMs: number;
  finishedMs?: number;
  outcome: 'running' | 'done' | 'failed';
  reason?: string;
  rateBytesPerSecond: number;
  phase: 'blobs' | 'manifests' | 'end';
  /** Of the phase, 0 to 1: digests are spread evenly, so the place in their order tells. */
  progress: number;
  /** When the phase will end at the pace that it has now. */
  estimatedEndMs?: number;
  readonly seen: { blobs: number; bytes: number; manifests: number };
  damaged: number;
  repaired: number;
  /** The store did not give them: nothing is known of them. */
  unreadable: number;
  /** The first of them. */
  readonly findings: ScrubFinding[];
}

export function freshScrub(scrub: string, rateBytesPerSecond: number, startedMs: number): ScrubReport {
  return {
    scrub,
    startedMs,
    outcome: 'running',
    rateBytesPerSecond,
    phase: 'blobs',
    progress: 0,
    seen: { blobs: 0, bytes: 0, manifests: 0 },
    damaged: 0,
    repaired: 0,
    unreadable: 0,
    findings: [],
  };
}

type Damage = Pick<ScrubFinding, 'digest' | 'repository'>;

/** Adds what was found, once however often it is found, as far as it is named. @returns whether it is new */
export function noteDamage(report: ScrubReport, finding: Omit<ScrubFinding, 'repaired'>): boolean {
  if (named(report, finding) !== undefined) return false;
  report.damaged += 1;
  if (report.findings.length < MAX_FINDINGS) report.findings.push({ ...finding, repaired: false });
  return true;
}

/** What was found is right again. */
export function noteRepair(report: ScrubReport, damage: Damage): void {
  const known = named(report, damage);
  if (known?.repaired) return;
  if (known !== undefined) known.repaired = true;
  report.repaired += 1;
}

function named({ findings }: ScrubReport, { digest, repository }: Damage): ScrubFinding | undefined {
  return findings.find((known) => known.digest === digest && known.repository === repository);
}
