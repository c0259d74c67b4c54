import { type CopyLimit, parseCopyLimits } from '#libs/geo';
import { type Digest, parseDigest, parseRepositoryName, type RepositoryName } from '#libs/oci';
import { isStorageError, keys, type ObjectStore } from '#libs/storage';

/** Copies that are to be tried again now: those of a repository, one, or all that were set aside. */
export interface RetryRequest {
  readonly digest?: Digest;
  readonly repository?: RepositoryName;
}

/** What operators want of a region's replication. It outlives every process, and is read by all of them. */
export interface RegionControls {
  /** Since when nothing is copied; `undefined`: it is not paused. */
  readonly pausedSinceMs: number | undefined;
  /** `undefined`: as the configuration says. */
  readonly limits: readonly CopyLimit[] | undefined;
  /** The last of them, oldest first; each has a number of its own, and the next one a higher one. */
  readonly retries: readonly (RetryRequest & { readonly number: number })[];
}

const UNTOUCHED: RegionControls = { pausedSinceMs: undefined, limits: undefined, retries: [] };

/** A replicator looks every second; more in that time are taken for a wish to retry all. */
const MAX_RETRIES = 64;

/** `state/controls` in a region's bucket. */
export class ControlStore {
  constructor(private readonly store: ObjectStore) {}

  async read(signal: AbortSignal): Promise<RegionControls> {
    return (await this.#find(signal)).controls;
  }

  /** Changes what is there, whoever changes it at the same time. @returns what is there then */
  async change(edit: (controls: RegionControls) => RegionControls, signal: AbortSignal): Promise<RegionControls> {
    for (;;) {
      const { controls, etag } = await this.#find(signal);
      const changed = edit(controls);
      const condition = etag === undefined ? ({ kind: 'absent' } as const) : ({ kind: 'matches', etag } as const);
      try {
        await this.store.put(keys.controls, Buffer.from(JSON.stringify(changed)), { condition, signal });
        return changed;
      } catch (error) {
        if (!isStorageError(error, 'precondition_failed')) throw error;
      }
    }
  }

  async #find(signal: AbortSignal): Promise<{ readonly controls: RegionControls; readonly etag?: string }> {
    const found = await this.store.read(keys.controls, signal);
    if (found === undefined) return { controls: UNTOUCHED };
    return { controls: parseControls(JSON.parse(Buffer.from(found.bytes).toString())), etag: found.etag };
  }
}

/** One more wish, at the end of those that are there. */
export function withRetry(controls: RegionControls, request: RetryRequest): RegionControls {
  const number = (controls.retries.at(-1)?.number ?? 0) + 1;
  return { ...controls, retries: [...controls.retries, { ...request, number }].slice(-MAX_RETRIES) };
}

/** Which of them came after that number. Where some are lost meanwhile, all is to be tried again. */
export function retriesAfter(controls: RegionControls, number: number): readonly RetryRequest[] {
  const [oldest] = controls.retries;
  if (oldest !== undefined && oldest.number > number + 1) return [{}];
  return controls.retries.filter((retry) => retry.number > number);
}

/** Written by a process of this region, of this release or another. @throws Error */
function parseControls(value: unknown): RegionControls {
  const {
    pausedSinceMs,
    limits,
    retries = [],
  } = value as {
    readonly pausedSinceMs?: number;
    readonly limits?: unknown;
    readonly retries?: readonly { number: number; digest?: string; repository?: string }[];
  };
  return {
    pausedSinceMs,
    limits: limits === undefined ? undefined : parseCopyLimits(limits),
    retries: retries.map(({ number, digest, repository }) => ({
      number,
      ...(digest === undefined ? {} : { digest: parseDigest(digest) }),
      ...(repository === undefined ? {} : { repository: parseRepositoryName(repository) }),
    })),
  };
}
