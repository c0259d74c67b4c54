import type { Clock } from '#libs/resilience';

/** A check rejects with what is wrong. It may be asked often, and must stop when the signal aborts. */
export type ReadinessCheck = (signal: AbortSignal) => Promise<void>;

export interface ReadinessReport {
  readonly ready: boolean;
  readonly checks: Readonly<
    Record<string, { readonly ok: boolean; readonly reason?: string; readonly durationMs: number }>
  >;
  /** Why the process as a whole takes no requests, whatever its checks say. */
  readonly state: 'starting' | 'serving' | 'draining';
}

/** Answers may be this old: a probe of each of many load balancers must not become a load on the store. */
const CACHED_MS = 1_000;
const CHECK_LIMIT_MS = 2_000;

/** Whether this process should be sent requests: it has started, is not draining, and every check holds. */
export class Readiness {
  readonly #clock: Clock;
  readonly #checks = new Map<string, { readonly check: ReadinessCheck; readonly limitMs: number }>();
  #state: ReadinessReport['state'] = 'starting';
  #cached: { readonly atMs: number; readonly checks: Promise<ReadinessReport['checks']> } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Adds a check under a name that operators will read; one that takes longer than the limit has failed. */
  add(name: string, check: ReadinessCheck, limitMs = CHECK_LIMIT_MS): void {
    this.#checks.set(name, { check, limitMs });
    this.#cached = undefined;
  }

  /** All that had to be done before the first request is done. A process that drains stays at that. */
  setStarted(): void {
    if (this.#state === 'starting') this.#state = 'serving';
  }

  setDraining(): void {
    this.#state = 'draining';
  }

  get draining(): boolean {
    return this.#state === 'draining';
  }

  async report(): Promise<ReadinessReport> {
    const checks = await this.#run();
    const ready = this.#state === 'serving' && Object.values(checks).every(({ ok }) => ok);
    return { ready, state: this.#state, checks };
  }

  /** Requests that arrive together share one run. */
  #run(): Promise<ReadinessReport['checks']> {
    const nowMs = this.#clock.monotonic();
    if (this.#cached && nowMs - this.#cached.atMs < CACHED_MS) return this.#cached.checks;
    const checks = Promise.all([...this.#checks].map(async ([name, entry]) => [name, await this.#try(entry)] as const));
    this.#cached = { atMs: nowMs, checks: checks.then((results) => Object.fromEntries(results)) };
    return this.#cached.checks;
  }

  async #try({ check, limitMs }: { readonly check: ReadinessCheck; readonly limitMs: number }) {
    const beganMs = this.#clock.monotonic();
    const end = new AbortController();
    try {
      const limit = this.#clock.sleep(limitMs, end.signal).then(() => {
        throw new Error(`no answer within ${limitMs} ms`);
      });
      await Promise.race([limit, (async () => check(end.signal))()]);
      return { ok: true, durationMs: Math.round(this.#clock.monotonic() - beganMs) };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { ok: false, reason, durationMs: Math.round(this.#clock.monotonic() - beganMs) };
    } finally {
      end.abort(ANSWERED);
    }
  }
}

/** Nobody sees it, and making one each time costs more than a check. */
const ANSWERED = new Error('the check has ended');
