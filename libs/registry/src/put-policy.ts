import type { Policy } from '#libs/geo';
import type { Guard, Journal } from '#libs/journal';
import { RegistryError } from '#libs/oci';
import type { PlacedPolicy } from './policies.js';
import type { RegionContent } from './region-content.js';

/**
 * Replaces the policy, if the one there is the one at `expectedSeq` (0: none yet): nobody overwrites what they have not
 * seen. @throws RegistryError `PRECONDITION_FAILED`
 */
export async function putPolicy(
  { policies }: Pick<RegionContent, 'policies'>,
  journal: Journal,
  policy: Policy,
  expectedSeq: number,
  signal: AbortSignal,
): Promise<PlacedPolicy> {
  const guard: Guard = {
    async validate(inner) {
      const seq = (await policies.current(inner))?.seq ?? 0;
      if (seq === expectedSeq) return;
      throw new RegistryError('PRECONDITION_FAILED', { seq }, { message: `the policy is the one of entry ${seq}` });
    },
    touchedBy: (change) => change.type === 'policy.put',
  };
  const { seq } = await journal.append({ type: 'policy.put', policy }, guard, signal);
  return { seq, policy };
}
