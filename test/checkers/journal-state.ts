import { hash } from 'node:crypto';
import { onceFor } from './once-for.js';
import type { CheckedRule } from './policy-kept.js';
import { objects, type ReadableStore } from './region-state.js';

/** An entry as the bucket holds it. */
export interface JournalEntry {
  readonly seq: number;
  readonly epoch: number;
  readonly type: string;
  readonly repository: string;
  readonly digest?: string;
  readonly tag?: string;
  readonly tags?: readonly string[];
  readonly blobs?: readonly { readonly digest: string }[];
  readonly children?: readonly string[];
  /** Of `policy.put`: which region has what from here on. */
  readonly policy?: { readonly rules: readonly CheckedRule[] };
}

export interface JournalState {
  readonly entries: readonly JournalEntry[];
  /** What is wrong with the chain of batches. */
  readonly damage: readonly string[];
}

/** Reads and audits a journal with nothing of the product: contiguous, chained, and epochs that never go back (I12). */
export async function readJournalState(store: ReadableStore): Promise<JournalState> {
  const entries: JournalEntry[] = [];
  const damage: string[] = [];
  let chain: string | null = null;
  for await (const { name, bytes } of objects(store, 'journal/')) {
    const { header, lines, digest } = batch(bytes);
    const { firstSeq, count, previous } = header;
    if (firstSeq !== Number(name)) damage.push(`batch ${name} says that it begins at ${String(firstSeq)}`);
    if (count !== lines.length) damage.push(`batch ${name} holds ${lines.length} entries, not ${String(count)}`);
    if (previous !== chain) damage.push(`batch ${name} does not continue the one before it`);
    chain = digest;
    for (const entry of lines) {
      const before = entries.at(-1);
      if (entry.seq !== (before?.seq ?? 0) + 1) damage.push(`entry ${entry.seq} comes after ${before?.seq ?? 0}`);
      if (entry.epoch < (before?.epoch ?? 0)) damage.push(`entry ${entry.seq} goes back to epoch ${entry.epoch}`);
      entries.push(entry);
    }
  }
  return { entries, damage };
}

const batch = onceFor((bytes) => {
  const [header, ...lines] = Buffer.from(bytes).toString().trimEnd().split('\n');
  return {
    header: JSON.parse(header ?? '{}') as Record<string, unknown>,
    lines: lines.map((line) => JSON.parse(line) as JournalEntry),
    digest: `sha256:${hash('sha256', bytes, 'hex')}`,
  };
});
