import type { Operation, Violation } from '../checkers/index.js';

/** What came of a run, for the verdict and for `--json`. */
export interface Report {
  readonly title: string;
  readonly seed: number;
  readonly tookMs: number;
  readonly violations: readonly Violation[];
  /** In the order of the verdict: `5713`, 'pushes acknowledged'. */
  readonly figures: readonly (readonly [value: string | number, what: string])[];
  readonly operations: readonly Operation[];
  readonly historyFile: string;
  /** Where the logs of all processes are. */
  readonly directory: string;
}

const SHOWN_VIOLATIONS = 8;
const SHOWN_OPERATIONS = 12;

export function verdict({ title, seed, tookMs, violations, figures }: Report): string {
  const what = figures.map(([value, name]) =>
    `${typeof value === 'number' ? value.toLocaleString('en') : value} ${name}`.trim(),
  );
  const wrong = `${violations.length} violations`;
  return [`${title}: ${violations.length === 0 ? 'PASS' : 'FAIL'} seed ${seed}`, duration(tookMs), ...what, wrong].join(
    ', ',
  );
}

/** What was violated, and what had to do with it. */
export function* explanation({ violations, operations, historyFile, directory }: Report): Generator<string> {
  for (const { checker, what } of violations.slice(0, SHOWN_VIOLATIONS)) {
    yield `${checker}: ${what}`;
    for (const line of involved(what, operations)) yield `    ${line}`;
  }
  if (violations.length > SHOWN_VIOLATIONS) yield `and ${violations.length - SHOWN_VIOLATIONS} more`;
  if (violations.length > 0) yield `history: ${historyFile}\nlogs and buckets: ${directory}`;
}

/** Operations that a violation names (`#17`), or that were about the tag or digest in it. */
function involved(what: string, operations: readonly Operation[]): readonly string[] {
  const ids = new Set([...what.matchAll(/#(\d+)/g)].map(([, id]) => Number(id)));
  const names = [...what.matchAll(/([a-z0-9/]+):(v\d+)\b/g)].map(([, repository, tag]) => ({ repository, tag }));
  const about = operations.filter(
    ({ id, action }) => ids.has(id) || names.some(({ repository, tag }) => concerns(action, repository, tag)),
  );
  return about.slice(-SHOWN_OPERATIONS).map(describeOperation);
}

function concerns(action: Operation['action'], repository: string | undefined, tag: string | undefined): boolean {
  if (action.repository !== repository) return false;
  if (action.kind === 'push') return action.tags.some((each) => each === tag);
  return 'tag' in action && action.tag === tag;
}

function describeOperation({
  id,
  client,
  via,
  action,
  outcome,
  seq,
  digest,
  startMs,
  endMs,
  region,
}: Operation): string {
  const { kind, repository } = action;
  const tags = 'tags' in action ? action.tags.join(',') : 'tag' in action ? action.tag : '';
  const answer = digest ?? ('digest' in action ? action.digest : '');
  const times = `${startMs.toFixed(0)}..${endMs.toFixed(0)}`;
  return `#${id} ${times} ${client} via ${via} ${region ?? ''} ${kind} ${repository} ${tags} ${answer.slice(0, 19)} ${outcome} ${seq ?? ''}`;
}

export function duration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, '0')}s`;
}

/** Counts for the verdict of any run. */
export function figuresOf(operations: readonly Operation[]): Report['figures'] {
  const acknowledged = operations.filter(({ action, outcome }) => action.kind === 'push' && outcome === 'ok');
  const reads = operations.filter(({ action, outcome }) => action.kind.startsWith('read') && outcome === 'ok');
  const unknown = operations.filter(({ outcome }) => outcome === 'unknown');
  return [
    [acknowledged.length, 'pushes acknowledged'],
    [reads.length, 'pulls answered'],
    [unknown.length, 'unknown'],
  ];
}
