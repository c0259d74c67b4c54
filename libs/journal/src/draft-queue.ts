import type { Change, Entry } from './entry.js';
import type { Guard } from './journal.js';

/** A change that waits for its place in the journal. */
export interface Draft {
  readonly change: Change;
  readonly guard: Guard;
  readonly resolve: (entry: Entry) => void;
  readonly reject: (error: unknown) => void;
}

/** How many waiting drafts are looked at for one batch; also the most that a batch holds. */
const WINDOW = 256;

/** Characters of manifests in a batch, unless a single one has more: as JSON at most twice that, so a batch stays readable. */
const MAX_CONTENT_CHARACTERS = 4 * 1024 * 1024;

/**
 * Changes in the order in which they came. Those that cannot touch each other share a batch; one that has to wait holds
 * back the later ones that it conflicts with, so nothing overtakes what it depends on.
 */
export class DraftQueue {
  #drafts: Draft[] = [];

  get size(): number {
    return this.#drafts.length;
  }

  push(draft: Draft): void {
    this.#drafts.push(draft);
  }

  /** Puts drafts that lost their place back to the front. */
  unshift(drafts: readonly Draft[]): void {
    this.#drafts.unshift(...drafts);
  }

  remove(draft: Draft): void {
    const index = this.#drafts.indexOf(draft);
    if (index >= 0) this.#drafts.splice(index, 1);
  }

  /** Takes everything out. */
  drain(): readonly Draft[] {
    return this.#drafts.splice(0);
  }

  /** Takes the drafts that may be decided and written together now; none if all have to wait. */
  takeBatch(mustWait: (guard: Guard) => boolean): readonly Draft[] {
    const chosen: Draft[] = [];
    const held: Draft[] = [];
    let characters = 0;
    for (const draft of this.#drafts.slice(0, WINDOW)) {
      const size = contentCharacters(draft.change);
      const full = chosen.length > 0 && characters + size > MAX_CONTENT_CHARACTERS;
      if (full || mustWait(draft.guard) || conflictsWithAny(draft, chosen) || conflictsWithAny(draft, held)) {
        held.push(draft);
        continue;
      }
      chosen.push(draft);
      characters += size;
    }
    const taken = new Set(chosen);
    this.#drafts = this.#drafts.filter((draft) => !taken.has(draft));
    return chosen;
  }
}

function conflictsWithAny(draft: Draft, others: readonly Draft[]): boolean {
  return others.some((other) => draft.guard.touchedBy(other.change) || other.guard.touchedBy(draft.change));
}

function contentCharacters(change: Change): number {
  if (change.type === 'policy.put') return JSON.stringify(change.policy).length;
  return change.type === 'manifest.put' ? change.content.length : 0;
}
