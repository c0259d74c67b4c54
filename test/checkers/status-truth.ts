import { type Evidence, finding, type Violation } from './evidence.js';
import { isKept } from './policy-kept.js';
import type { RegionState } from './region-state.js';

/** C11: everything that a region says is applied, is: each register stands at that entry, or further. */
export function progressIsTrue(
  region: string,
  state: RegionState,
  { journal, refilled = [] }: Pick<Evidence, 'journal' | 'refilled'>,
): readonly Violation[] {
  // A snapshot brings the newest state of what there is, and nothing of what was deleted.
  const [tags, manifests] = refilled.includes(region)
    ? [only(state.tags, ({ digest }) => digest !== undefined), only(state.manifests, ({ live }) => live)]
    : [state.tags, state.manifests];
  const least = refilled.includes(region) ? Number.POSITIVE_INFINITY : 0;
  // What was kept from a region, and given back, it takes again in the background.
  const kept = isKept(journal, 'ever');
  const claimed = journal.entries
    .filter(({ seq }) => seq <= state.watermark || state.beyond.includes(seq))
    .filter(({ repository }) => !kept(region, repository));
  const problems = claimed.flatMap(({ seq, type, repository, digest, tag, tags: named = [] }) => {
    const stale = [...named, ...(tag === undefined ? [] : [tag])].filter(
      (each) => (tags.get(`${repository}:${each}`)?.seq ?? least) < seq,
    );
    const key = `${repository}@${digest}`;
    const manifest = type.startsWith('manifest.') && (manifests.get(key)?.seq ?? least) < seq ? [key] : [];
    return [...stale, ...manifest].map((what) => `${region} says that it applied ${seq}, and ${what} is older`);
  });
  return finding('C11 status truth', problems);
}

function only<T>(map: ReadonlyMap<string, T>, has: (value: T) => boolean): ReadonlyMap<string, T> {
  return new Map([...map].filter(([, value]) => has(value)));
}
