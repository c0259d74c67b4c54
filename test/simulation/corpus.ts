import { readFileSync, writeFileSync } from 'node:fs';

/** A world in which something was wrong once. */
export interface CorpusEntry {
  readonly seed: number;
  readonly operations: number;
  /** Whether the rules are changed meanwhile. */
  readonly rules?: boolean;
  readonly found: string;
  /** What of it happens: as little as was needed. */
  readonly only?: readonly string[];
}

const FILE = new URL('./corpus.json', import.meta.url);

export function readCorpus(): readonly CorpusEntry[] {
  return JSON.parse(readFileSync(FILE, 'utf8')) as CorpusEntry[];
}

export function keep(entries: readonly CorpusEntry[]): void {
  writeFileSync(FILE, `${JSON.stringify([...readCorpus(), ...entries], undefined, 2)}\n`);
}
