import type { ProofOptions } from '#libs/http';
import type { SummarySource } from '#libs/journal';
import { attachProof, Pace, type Push, proveHolding } from '#libs/registry';
import type { RegionParts } from './region-parts.js';

/** What a process of the primary has once it has begun. */
interface Begun {
  readonly push: Push | undefined;
  readonly summary: SummarySource | undefined;
}

/** What this region signs, and, at the primary, how that is pushed beside its image. */
export function proofOptions(parts: RegionParts, begun: () => Begun): ProofOptions {
  const { context, regional, store, content, status, signingKey: key } = parts;
  const { clock, config } = context;
  const { region } = regional;
  const upTo = async (signal: AbortSignal) => {
    const { watermark, epoch } = status.progress;
    return { seq: (await begun().summary?.upTo(signal)) ?? watermark, epoch };
  };
  return {
    region,
    key,
    prove: (signing, request, signal) => {
      const pace = new Pace(config.scrub.rateBytesPerSecond, clock);
      return proveHolding({ store, content, clock, pace, region, key: signing, upTo }, request, signal);
    },
    attach: () => {
      const { push } = begun();
      return push === undefined ? undefined : (envelope, signal) => attachProof(content, push, envelope, signal);
    },
  };
}
