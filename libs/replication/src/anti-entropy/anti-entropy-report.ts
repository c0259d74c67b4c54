import type { RepositoryName } from '#libs/oci';
import type { DifferenceKind } from './difference.js';

/** Findings that a report names; the others are counted. */
const MAX_FINDINGS = 200;

export interface AntiEntropyFinding {
  readonly kind: DifferenceKind;
  readonly repository: RepositoryName;
  /** What of the repository: `tag v1`, `manifest sha256:…`. */
  readonly name: string;
  repaired: boolean;
}

/** What a region found when it compared itself with the primary. */
export interface AntiEntropyReport {
  readonly round: string;
  readonly startedMs: number;
  finishedMs?: number;
  outcome: 'running' | 'done' | 'failed' | 'postponed';
  reason?: string;
  /** The place in the journal that both had applied, and at which they were compared. */
  position: number;
  /** Repositories that were looked into. */
  repositories: number;
  differences: number;
  repaired: number;
  /** The first of them. */
  readonly findings: AntiEntropyFinding[];
}

export function freshRound(round: string, startedMs: number): AntiEntropyReport {
  const counts = { position: 0, repositories: 0, differences: 0, repaired: 0 };
  return { round, startedMs, outcome: 'running', ...counts, findings: [] };
}

export function addFinding(report: AntiEntropyReport, finding: AntiEntropyFinding): void {
  report.differences += 1;
  if (finding.repaired) report.repaired += 1;
  if (report.findings.length < MAX_FINDINGS) report.findings.push(finding);
}
