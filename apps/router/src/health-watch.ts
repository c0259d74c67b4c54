import type { Logger } from 'pino';
import type { RegionHealth, RegionName } from '#libs/geo';
import type { Clock } from '#libs/resilience';
import { type AwakeTime, TICK_MS } from './awake-time.js';
import type { RegionKnowledge } from './region-knowledge.js';
import type { RouterMetrics } from './router-metrics.js';

/** Silence is found only by looking. Tells operators when a region's health changes: in the log, and as a number. Decides nothing. */
export class HealthWatch {
  readonly #last = new Map<RegionName, RegionHealth>();

  constructor(
    private readonly knowledge: RegionKnowledge,
    private readonly time: AwakeTime,
    private readonly metrics: RouterMetrics,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  /** Resolves when the signal has aborted. */
  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.look();
      await this.clock.sleep(TICK_MS, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
  }

  look(): void {
    this.time.tick();
    for (const { region, health } of this.knowledge.regions) {
      this.metrics.routerRegionHealthy.set({ region }, health === 'healthy' ? 1 : 0);
      const before = this.#last.get(region) ?? 'unknown';
      if (before !== health) this.log.info({ region, health, before }, 'region health changed');
      this.#last.set(region, health);
    }
  }
}
