import type { RegionName } from '#libs/geo';
import { type Entry, isRepositoryChange } from '#libs/journal';
import type { HeardRegion } from '#libs/replication';

/** Changes that some region has not applied, followed one by one for each listener. */
const WINDOW = 2_000;

/** What a listener is told of a change. */
export interface FollowedChange {
  readonly seq: number;
  readonly type: Entry['type'];
  readonly repository?: string;
  readonly digest?: string;
  readonly tags?: readonly string[];
}

interface Followed {
  readonly change: FollowedChange;
  readonly lacking: Set<RegionName>;
}

/** Which region has still to be told of having which change; bounded, oldest let go first. */
export class PendingPresences {
  readonly #followed = new Map<number, Followed>();
  #last: number;

  constructor(
    after: number,
    private readonly regions: readonly RegionName[],
  ) {
    this.#last = after;
  }

  /** Everything up to it was told, of all regions. */
  get told(): number {
    const [oldest] = this.#followed.keys();
    return oldest === undefined ? this.#last : oldest - 1;
  }

  /** What comes up to that place will not be told. */
  skipTo(seq: number): void {
    this.#last = seq;
  }

  /** @returns the change that is not followed any more because of this one */
  add(entry: Entry): FollowedChange | undefined {
    this.#last = entry.seq;
    this.#followed.set(entry.seq, { change: changeOf(entry), lacking: new Set(this.regions) });
    const [oldest] = this.#followed.values();
    if (this.#followed.size <= WINDOW || oldest === undefined) return undefined;
    this.#followed.delete(oldest.change.seq);
    return oldest.change;
  }

  /** Changes that the region says it has applied; each is returned once. */
  applied({ region, status }: HeardRegion): readonly FollowedChange[] {
    if (status === undefined) return [];
    const beyond = new Set(status.beyond);
    const changes: FollowedChange[] = [];
    for (const [seq, { change, lacking }] of this.#followed) {
      if ((seq <= status.watermark || beyond.has(seq)) && lacking.delete(region)) changes.push(change);
    }
    return changes;
  }

  /** Forgets what every region has; to be called when all of that was told. */
  settle(): void {
    for (const [seq, { lacking }] of this.#followed) if (lacking.size === 0) this.#followed.delete(seq);
  }
}

function changeOf(entry: Entry): FollowedChange {
  const { seq, type } = entry;
  if (!isRepositoryChange(entry)) return { seq, type };
  const digest = 'digest' in entry ? { digest: entry.digest } : {};
  const tags = 'tags' in entry ? entry.tags : 'tag' in entry ? [entry.tag] : [];
  return { seq, type, repository: entry.repository, ...digest, tags };
}
