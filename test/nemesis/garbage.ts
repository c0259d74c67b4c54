import { systemClock } from '#libs/resilience';
import { REGIONS } from './places.js';
import type { World } from './world.js';

const EVERY_MS = 2_000;
const PATIENCE_MS = 30_000;

/** Asks every region for garbage collection again and again. @returns how many were done; none where it is not built in */
export async function collectGarbage(world: World, until: AbortSignal): Promise<number> {
  let collected = 0;
  for (;;) {
    for (const region of REGIONS) {
      const [admin] = world.adminUrls(region);
      const signal = AbortSignal.any([until, AbortSignal.timeout(PATIENCE_MS)]);
      const answer = await fetch(`${admin}/admin/v1/gc`, { method: 'POST', signal }).catch(() => undefined);
      if (answer?.status === 404) return collected;
      if (answer?.ok === true) collected += 1;
      await answer?.body?.cancel().catch(() => undefined);
    }
    await systemClock.sleep(EVERY_MS, until).catch(() => undefined);
    if (until.aborted) return collected;
  }
}
