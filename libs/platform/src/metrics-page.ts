import type { Metrics } from './metrics.js';

/** What Prometheus reads: the process's own metrics, and texts that others (a queue) write in the same format. */
export class MetricsPage {
  readonly contentType: string;
  readonly #metrics: Metrics;
  readonly #sources: (() => Promise<string>)[] = [];

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.contentType = metrics.registry.contentType;
  }

  /** A source that fails is left out: the other numbers are needed most when something is wrong. */
  add(source: () => Promise<string>): void {
    this.#sources.push(source);
  }

  async render(): Promise<string> {
    const texts = await Promise.allSettled([
      this.#metrics.registry.metrics(),
      ...this.#sources.map((source) => source()),
    ]);
    return texts.map((text) => (text.status === 'fulfilled' ? text.value : '')).join('\n');
  }
}
