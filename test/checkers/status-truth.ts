import { type Evidence, finding, type Violation } from './evidence.js';
import { isKept } from './policy-kept.js';
import type { RegionState } from './region-state.js';

/** C11: everything that a region says is applied, is: each register stands at that entry, or further. */
export function progressIsTrue(
  region: string,
  state: RegionState,
  { journal, refilled = [] }: Pick<Evidence, 'journal' | 'refilled'>,
): readonly Violation[] {
  // A snapshot brings the newest state of what there is, and nothing of what was deleted; the journal behind it does.
  const told = refilled.includes(region) ? (state.followedFrom ?? Number.POSITIVE_INFINITY) : 0;
  const isOlder = (found: { readonly seq: number; readonly live: boolean } | undefined, seq: number): boolean => {
    const held = seq <= told && found?.live === false ? undefined : found;
    return held === undefined ? seq > told : held.seq < seq;
  };
  const tagAt = (key: string) => {
    const found = state.tags.get(key);
    return found === undefined ? undefined : { seq: found.seq, live: found.digest !== undefined };
  };
  // What was kept from a region, and given back, it takes again in the background.
  const kept = isKept(journal, 'ever');
  const claimed = journal.entries
    .filter(({ seq }) => seq <= state.watermark || state.beyond.includes(seq))
    .filter(({ repository }) => !kept(region, repository));
  const problems = claimed.flatMap(({ seq, type, repository, digest, tag, tags: named = [] }) => {
    const stale = [...named, ...(tag === undefined ? [] : [tag])].filter((each) =>
      isOlder(tagAt(`${repository}:${each}`), seq),
    );
    const key = `${repository}@${digest}`;
    const manifest = type.startsWith('manifest.') && isOlder(state.manifests.get(key), seq) ? [key] : [];
    return [...stale, ...manifest].map((what) => `${region} says that it applied ${seq}, and ${what} is older`);
  });
  return finding('C11 status truth', problems);
}
