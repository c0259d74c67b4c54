import { parseFailedCopies, parseRegionControl } from './parse-steering.js';
import type { PeerQuestions } from './peer-questions.js';
import type { RegionControl, RegionSteering } from './region-steering.js';

/** What operators want of another region, over HTTP. */
export class HttpSteering implements RegionSteering {
  constructor(private readonly peer: PeerQuestions) {}

  control(signal: AbortSignal): Promise<RegionControl> {
    return this.peer.json('GET', '/controls', { signal }, parseRegionControl);
  }

  change(change: Parameters<RegionSteering['change']>[0], signal: AbortSignal): Promise<RegionControl> {
    const body = JSON.stringify({ ...change, ...('limits' in change ? { limits: change.limits ?? null } : {}) });
    return this.peer.json('POST', '/controls', { body, signal }, parseRegionControl);
  }

  failed(signal: AbortSignal): ReturnType<RegionSteering['failed']> {
    return this.peer.json('GET', '/failed', { signal }, parseFailedCopies);
  }
}
