import type { RegionName } from '#libs/geo';
import type { Digest, RepositoryName, Tag } from '#libs/oci';

/** What a tag must be for a conditional change: `If-None-Match: *`, `If-Match: *`, or one of `If-Match`'s digests. */
export type Condition = 'absent' | 'present' | readonly Digest[];

/** What a client asked for. */
export type Action =
  | {
      readonly kind: 'push';
      readonly repository: RepositoryName;
      readonly digest: Digest;
      readonly tags: readonly Tag[];
      readonly blobs: readonly Digest[];
      readonly children: readonly Digest[];
      readonly condition?: Condition;
    }
  | {
      readonly kind: 'delete-tag';
      readonly repository: RepositoryName;
      readonly tag: Tag;
      readonly condition?: Condition;
    }
  | { readonly kind: 'delete-manifest'; readonly repository: RepositoryName; readonly digest: Digest }
  | { readonly kind: 'read-tag'; readonly repository: RepositoryName; readonly tag: Tag }
  | { readonly kind: 'read-manifest'; readonly repository: RepositoryName; readonly digest: Digest }
  | { readonly kind: 'list-tags'; readonly repository: RepositoryName };

/**
 * `ok`: answered with 2xx, or, for a read, also with 404. `fail`: refused with 4xx: no effect, ever. `unknown`: 5xx, or no
 * answer: it may happen now, later, or never.
 */
export type Outcome = 'pending' | 'ok' | 'fail' | 'unknown';

/** One request of one client, and what became of it. Times are virtual or real milliseconds; only their order counts. */
export interface Operation {
  readonly id: number;
  readonly client: string;
  readonly action: Action;
  /** Asked of the router, or of a region directly. */
  readonly via: 'router' | RegionName;
  /** The region that answered a read. */
  region?: RegionName;
  readonly startMs: number;
  endMs: number;
  outcome: Outcome;
  /** Of a change: its place in the journal, as the answer said. */
  seq?: number;
  /** Of a read: whether the region had to ask the primary. */
  fetched?: boolean;
  /** Of a read: the digest, `undefined` for 404. */
  digest?: Digest;
  /** Of a read: what could not be pulled of it, or was wrong. */
  broken?: readonly string[];
  tags?: readonly Tag[];
  /** Of a refusal: the error's code. */
  code?: string;
  /** Of a push: since when its client has relied on all of its blobs being there, as it was told. */
  reliedMs?: number;
  why?: string;
}

export class History {
  readonly operations: Operation[] = [];

  constructor(private readonly nowMs: () => number) {}

  begin(client: string, via: Operation['via'], action: Action): Operation {
    const operation: Operation = {
      id: this.operations.length + 1,
      client,
      action,
      via,
      startMs: this.nowMs(),
      endMs: Number.POSITIVE_INFINITY,
      outcome: 'pending',
    };
    this.operations.push(operation);
    return operation;
  }

  end(
    operation: Operation,
    outcome: Outcome,
    more: Partial<Pick<Operation, 'seq' | 'digest' | 'broken' | 'tags' | 'code' | 'why' | 'region'>> = {},
  ): void {
    Object.assign(operation, more);
    operation.outcome = outcome;
    // What may still happen has no end.
    operation.endMs = outcome === 'unknown' ? Number.POSITIVE_INFINITY : this.nowMs();
  }
}
