import { describe, expect, it } from '@jest/globals';
import { parsePolicy, parseRegionName } from '#libs/geo';
import { parseRepositoryName, parseTag } from '#libs/oci';
import { Limiter } from '#libs/resilience';
import { Arrivals } from './arrivals.js';
import { Selection } from './selection.js';

const { signal } = new AbortController();
const secret = parseRepositoryName('secret/app');
const excluding = parsePolicy({ rules: [{ regions: ['ap'], repositories: 'secret/**', action: 'exclude' }] });
const newest = parsePolicy({ rules: [{ regions: ['ap'], repositories: 'secret/**', action: 'include', newest: 1 }] });

function opened() {
  const selection = new Selection(parseRegionName('ap'));
  const turns = new Limiter(1);
  const said: string[] = [];
  let isFailing = false;
  const arrivals = new Arrivals({
    ...{ selection, turns, signal },
    store: async () => undefined,
    lookForNewer: async () => undefined,
    evict: async (_, applied) => void said.push(`took in its turn, ${[...applied].join()}`),
    rounds: {
      look: async (_, applied) => {
        if (isFailing) throw new Error('the store fails');
        said.push(`looked for ${applied}`);
      },
    },
  });
  const fail = (failing: boolean): void => {
    isFailing = failing;
  };
  return { selection, turns, said, arrivals, fail };
}

describe('what comes to a region', () => {
  const arrival = { repository: secret, tags: [parseTag('v1')], seq: 7 };
  const nothing = () => undefined;

  it('waits for no turn where it does not come', async () => {
    const { selection, turns, said, arrivals } = opened();
    selection.adopt({ seq: 1, policy: excluding });
    let leave = (): void => undefined;
    const taken = turns.run(signal, () => new Promise<void>((resolve) => (leave = resolve)));
    expect(await arrivals.take(arrival, nothing)).toBe(false);
    expect(said).toEqual([]);
    leave();
    await taken;
  });

  it('takes its turn, and what became too old with it, where the region has a part', async () => {
    const { selection, said, arrivals } = opened();
    selection.adopt({ seq: 1, policy: newest });
    await arrivals.take(arrival, () => async () => void said.push('came'));
    expect(said).toEqual(['came', 'took in its turn, 7']);
  });

  it('is looked for together with others when rules came meanwhile, however often that fails', async () => {
    const { selection, said, arrivals, fail } = opened();
    const adopting = () => async () => void selection.adopt({ seq: 1, policy: excluding });
    fail(true);
    await expect(arrivals.take(arrival, adopting)).rejects.toThrow('the store fails');
    await expect(arrivals.take(arrival, nothing)).rejects.toThrow('the store fails');
    fail(false);
    await arrivals.take(arrival, nothing);
    expect(said).toEqual(['looked for 7']);
    await arrivals.take(arrival, nothing);
    expect(said).toHaveLength(1);
  });
});
