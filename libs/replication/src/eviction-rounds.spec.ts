import { describe, expect, it } from '@jest/globals';
import { parseRepositoryName, type RepositoryName } from '#libs/oci';
import { Limiter, nextTurn } from '#libs/resilience';
import { EvictionRounds } from './eviction-rounds.js';

const app = parseRepositoryName('team/app');
const other = parseRepositoryName('team/other');

/** Looks that end when they are told to. */
function held() {
  const stopping = new AbortController();
  const looks: { readonly repository: RepositoryName; readonly applied: ReadonlySet<number> }[] = [];
  const ends: ((failure?: Error) => void)[] = [];
  const turns = new Limiter(1);
  const evict = (repository: RepositoryName, applied: ReadonlySet<number>): Promise<void> => {
    looks.push({ repository, applied });
    return new Promise((resolve, reject) => {
      ends.push((failure) => (failure === undefined ? resolve() : reject(failure)));
    });
  };
  const rounds = new EvictionRounds({ turns, evict, signal: stopping.signal });
  return { rounds, looks, ends, turns, stopping };
}

describe('looking through repositories for what rules take', () => {
  it('shares a look with all who asked before it began, and none with who asked later', async () => {
    const { rounds, looks, ends } = held();
    const first = rounds.look(app, 1);
    await nextTurn();
    const others = [rounds.look(app, 2), rounds.look(app, 3), rounds.look(app)];
    ends[0]?.();
    await first;
    await nextTurn();
    const last = rounds.look(app, 4);
    expect(looks.map(({ applied }) => [...applied])).toEqual([[1], [2, 3]]);
    ends[1]?.();
    await Promise.all(others);
    await nextTurn();
    ends[2]?.();
    await last;
    expect(looks.map(({ applied }) => [...applied])).toEqual([[1], [2, 3], [4]]);
  });

  it('looks through one repository at a time, and for each by itself', async () => {
    const { rounds, looks, ends } = held();
    const both = [rounds.look(app, 1), rounds.look(other, 2)];
    await nextTurn();
    expect(looks.map(({ repository }) => repository)).toEqual([app]);
    ends[0]?.();
    await nextTurn();
    expect(looks.map(({ repository }) => repository)).toEqual([app, other]);
    ends[1]?.();
    await Promise.all(both);
  });

  it('tells all who shared a look that it failed, and looks anew for whoever asks again', async () => {
    const { rounds, looks, ends } = held();
    const asked = Promise.allSettled([rounds.look(app, 1), rounds.look(app, 2)]);
    await nextTurn();
    ends[0]?.(new Error('the store fails'));
    expect((await asked).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const again = rounds.look(app, 1);
    await nextTurn();
    ends[1]?.();
    await again;
    expect(looks).toHaveLength(2);
  });

  it('waits for its turn, and no longer than the replicator runs', async () => {
    const { rounds, looks, turns, stopping } = held();
    let leave = (): void => undefined;
    const taken = turns.run(stopping.signal, () => new Promise<void>((resolve) => (leave = resolve)));
    const asked = rounds.look(app, 1);
    await nextTurn();
    expect(looks).toEqual([]);
    stopping.abort(new Error('the replicator is stopping'));
    await expect(asked).rejects.toThrow('stopping');
    leave();
    await taken;
  });
});
