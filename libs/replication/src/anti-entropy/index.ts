export * from './anti-entropy.js';
export type { AntiEntropyFinding, AntiEntropyReport } from './anti-entropy-report.js';
export { Comparison } from './comparison.js';
export { type Difference, type DifferenceKind, nameOf } from './difference.js';
export { Verifications, type VerificationsOptions, type VerifyRequest } from './verifications.js';
export type { RegionVerdict, RepositoryVerdict, VerifyReport } from './verify-report.js';
