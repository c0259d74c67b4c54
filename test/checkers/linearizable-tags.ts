import { type Evidence, finding, type Violation } from './evidence.js';
import type { Condition, Operation } from './history.js';
import { IMPOSSIBLE, isLinearizable, MAX_OPERATIONS, type Step } from './linearizable.js';

/** Where a tag points; `null`: nowhere. */
type TagValue = string | null;

/**
 * C2, without belief in our sequence numbers: is there an order of all operations on a tag that respects their times and
 * in which each got its answer? What the primary was asked counts.
 */
export function tagsAreLinearizable(evidence: Pick<Evidence, 'operations' | 'primary'>): readonly Violation[] {
  const problems = [...tagsOf(evidence)].flatMap((key) => {
    const steps = beginningOf(stepsOf(evidence, key));
    return isLinearizable<TagValue>(null, steps) === false
      ? [`${key}: no order of ${steps.length} operations explains their answers`]
      : [];
  });
  return finding('C2 linearizable tags', problems);
}

/**
 * As many steps as can be searched, of those that began first. What of them ended after one began that is left out may
 * have come after it too, so it must not have happened within these.
 */
export function beginningOf<State>(steps: readonly Step<State>[]): readonly Step<State>[] {
  const ordered = steps.toSorted((a, b) => a.startMs - b.startMs);
  const cutMs = ordered[MAX_OPERATIONS]?.startMs;
  if (cutMs === undefined) return ordered;
  return ordered
    .slice(0, MAX_OPERATIONS)
    .map((step) => (step.endMs < cutMs ? step : { ...step, certain: false, endMs: Number.POSITIVE_INFINITY }));
}

function tagsOf({ operations }: Pick<Evidence, 'operations'>): ReadonlySet<string> {
  return new Set(
    operations.flatMap(({ action }) => {
      if (action.kind === 'push') return action.tags.map((tag) => `${action.repository}:${tag}`);
      return action.kind === 'delete-tag' ? [`${action.repository}:${action.tag}`] : [];
    }),
  );
}

function stepsOf(
  { operations, primary }: Pick<Evidence, 'operations' | 'primary'>,
  key: string,
): readonly Step<TagValue>[] {
  return operations.flatMap((operation): readonly Step<TagValue>[] => {
    const { action, outcome, startMs } = operation;
    const apply = outcome === 'fail' ? refusalOf(key, operation) : effectOn(key, operation, primary);
    const certain = outcome === 'ok' || outcome === 'fail';
    // What was read by a request without an answer is not known, and changes nothing.
    if (apply === undefined || (!certain && action.kind.startsWith('read'))) return [];
    return [{ startMs, endMs: certain ? operation.endMs : Number.POSITIVE_INFINITY, certain, apply }];
  });
}

function effectOn(key: string, operation: Operation, primary: string): Step<TagValue>['apply'] | undefined {
  const { action, digest, via } = operation;
  switch (action.kind) {
    case 'push':
      if (!action.tags.some((tag) => `${action.repository}:${tag}` === key)) return undefined;
      return (state) => (holds(action.condition, state) ? action.digest : IMPOSSIBLE);
    case 'delete-tag':
      if (`${action.repository}:${action.tag}` !== key) return undefined;
      return (state) => (state !== null && holds(action.condition, state) ? null : IMPOSSIBLE);
    case 'delete-manifest':
      if (!key.startsWith(`${action.repository}:`)) return undefined;
      return (state) => (state === action.digest ? null : state);
    case 'read-tag':
      if (`${action.repository}:${action.tag}` !== key || via !== primary) return undefined;
      return (state) => (state === (digest ?? null) ? state : IMPOSSIBLE);
    default:
      return undefined;
  }
}

/** A refusal changes nothing, but it says something of the tag: that the condition did not hold, or that it was absent. */
function refusalOf(key: string, { action, code }: Operation): Step<TagValue>['apply'] | undefined {
  const tags = action.kind === 'push' ? action.tags : action.kind === 'delete-tag' ? [action.tag] : [];
  const [tag] = tags;
  if (tags.length !== 1 || `${action.repository}:${tag}` !== key) return undefined;
  if (code === 'PRECONDITION_FAILED' && (action.kind === 'push' || action.kind === 'delete-tag')) {
    return (state) => (holds(action.condition, state) ? IMPOSSIBLE : state);
  }
  if (code === 'MANIFEST_UNKNOWN' && action.kind === 'delete-tag') {
    return (state) => (state === null ? state : IMPOSSIBLE);
  }
  return undefined;
}

function holds(condition: Condition | undefined, state: TagValue): boolean {
  if (condition === undefined) return true;
  if (condition === 'absent') return state === null;
  if (condition === 'present') return state !== null;
  return condition.some((digest) => digest === state);
}
