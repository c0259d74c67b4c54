export const ADMIN_OPTIONS = Symbol('AdminOptions');
export const ANTI_ENTROPY_OPTIONS = Symbol('AntiEntropyControllerOptions');
export const PROOF_OPTIONS = Symbol('ProofOptions');
export const SCRUB_OPTIONS = Symbol('ScrubOptions');
export const GC_OPTIONS = Symbol('GcOptions');
export const POLICY_OPTIONS = Symbol('PolicyOptions');
