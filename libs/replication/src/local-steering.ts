import type { ControlChange, FailedCopyReport, RegionControl, RegionSteering } from '#libs/peer';
import type { Clock } from '#libs/resilience';
import { type ControlStore, type RegionControls, withRetry } from './control-store.js';
import type { FailedCopies } from './failed-copies.js';

export interface LocalSteeringOptions {
  readonly controls: ControlStore;
  readonly failedCopies: FailedCopies;
  readonly clock: Clock;
  /** Tells the region's replicator to look. */
  readonly onChanged: () => void;
}

/** Steers the replication of this region, by what its bucket says. */
export class LocalSteering implements RegionSteering {
  constructor(private readonly options: LocalSteeringOptions) {}

  async control(signal: AbortSignal): Promise<RegionControl> {
    return said(await this.options.controls.read(signal));
  }

  async change(change: ControlChange, signal: AbortSignal): Promise<RegionControl> {
    const { controls, clock, onChanged } = this.options;
    const changed = await controls.change((before) => apply(before, change, clock.now()), signal);
    onChanged();
    return said(changed);
  }

  async failed(signal: AbortSignal): Promise<readonly FailedCopyReport[]> {
    const copies = await this.options.failedCopies.read(signal);
    return copies.map(({ blob, reason, failures, sinceMs, triedMs, repositories }) => {
      return { ...blob, reason, failures, sinceMs, triedMs, repositories };
    });
  }
}

function apply(controls: RegionControls, change: ControlChange, nowMs: number): RegionControls {
  switch (change.kind) {
    case 'pause':
      return { ...controls, pausedSinceMs: controls.pausedSinceMs ?? nowMs };
    case 'resume':
      return { ...controls, pausedSinceMs: undefined };
    case 'limits':
      return { ...controls, limits: change.limits };
    case 'retry': {
      const { digest, repository } = change;
      return withRetry(controls, {
        ...(digest === undefined ? {} : { digest }),
        ...(repository === undefined ? {} : { repository }),
      });
    }
  }
}

function said({ pausedSinceMs, limits }: RegionControls): RegionControl {
  return { pausedSinceMs, limits };
}
