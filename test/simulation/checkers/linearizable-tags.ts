import type { Operation } from '../history.js';
import { type Evidence, finding, type Violation } from './evidence.js';

/** Operations on one tag that the search takes; it is exponential in what overlaps. */
const MAX_OPERATIONS = 60;

/** States of the search that are looked at before it gives up without a verdict. */
const MAX_STATES = 200_000;

/** One operation on a tag, as its specification sees it. */
interface Step {
  readonly operation: Operation;
  readonly startMs: number;
  readonly endMs: number;
  /** Whether it must have happened; what is unknown may have. */
  readonly certain: boolean;
  /** The state afterwards, or `false` if it could not have been answered so in that state. */
  readonly apply: (state: string | undefined) => string | undefined | false;
}

/**
 * C2, without belief in our sequence numbers: is there an order of all operations on a tag that respects their times and
 * in which each got its answer? (Wing and Gong, with Lowe's memory of states seen.) What the primary was asked counts.
 */
export function tagsAreLinearizable(evidence: Evidence): readonly Violation[] {
  const problems = [...tagsOf(evidence)].flatMap((key) => {
    const steps = stepsOf(evidence, key).slice(0, MAX_OPERATIONS);
    return isLinearizable(steps) === false
      ? [`${key}: no order of ${steps.length} operations explains their answers`]
      : [];
  });
  return finding('C2 linearizable tags', problems);
}

/** `undefined` when there is too much to be searched. */
export function isLinearizable(steps: readonly Step[]): boolean | undefined {
  const ordered = steps.toSorted((a, b) => a.startMs - b.startMs);
  const seen = new Set<string>();
  const search = (done: bigint, state: string | undefined): boolean | undefined => {
    const left = ordered.filter((_, index) => (done & (1n << BigInt(index))) === 0n);
    if (left.every(({ certain }) => !certain)) return true;
    const key = `${done} ${state ?? ''}`;
    if (seen.has(key)) return false;
    if (seen.size > MAX_STATES) return undefined;
    seen.add(key);
    const firstEnd = Math.min(...left.map(({ endMs }) => endMs));
    for (const [index, step] of ordered.entries()) {
      const bit = 1n << BigInt(index);
      if ((done & bit) !== 0n || step.startMs > firstEnd) continue;
      const next = step.apply(state);
      if (next === false) continue;
      const found = search(done | bit, next);
      if (found !== false) return found;
    }
    return false;
  };
  return search(0n, undefined);
}

function tagsOf({ operations }: Evidence): ReadonlySet<string> {
  return new Set(
    operations.flatMap(({ action }) => {
      if (action.kind === 'push') return action.tags.map((tag) => `${action.repository}:${tag}`);
      return action.kind === 'delete-tag' ? [`${action.repository}:${action.tag}`] : [];
    }),
  );
}

function stepsOf({ operations, primary }: Evidence, key: string): readonly Step[] {
  return operations.flatMap((operation): readonly Step[] => {
    const { action, outcome, startMs } = operation;
    const apply = effectOn(key, operation, primary);
    if (apply === undefined || outcome === 'fail') return [];
    const certain = outcome === 'ok';
    return [{ operation, startMs, endMs: certain ? operation.endMs : Number.POSITIVE_INFINITY, certain, apply }].filter(
      () => certain || !action.kind.startsWith('read'),
    );
  });
}

function effectOn(key: string, operation: Operation, primary: string): Step['apply'] | undefined {
  const { action, digest, via } = operation;
  switch (action.kind) {
    case 'push':
      return action.tags.some((tag) => `${action.repository}:${tag}` === key) ? () => action.digest : undefined;
    case 'delete-tag':
      if (`${action.repository}:${action.tag}` !== key) return undefined;
      return (state) => (state === undefined ? false : undefined);
    case 'delete-manifest':
      if (!key.startsWith(`${action.repository}:`)) return undefined;
      return (state) => (state === action.digest ? undefined : state);
    case 'read-tag':
      if (`${action.repository}:${action.tag}` !== key || via !== primary) return undefined;
      return (state) => (state === digest ? state : false);
    default:
      return undefined;
  }
}
