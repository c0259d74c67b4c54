import {
  CHECKERS,
  type Evidence,
  type Operation,
  type RegionState,
  readJournalState,
  readRegionState,
  type Violation,
} from '../checkers/index.js';
import { PRIMARY, REGIONS } from './places.js';
import { readAhead } from './read-ahead.js';
import type { World } from './world.js';

/** All that can be known of a run in which everything is healed and still. */
export async function gather(world: World, operations: readonly Operation[]): Promise<Evidence> {
  const states = await Promise.all(
    REGIONS.map(
      async (region): Promise<readonly [string, RegionState]> => [
        region,
        await readRegionState(readAhead(await world.openBucket(region))),
      ],
    ),
  );
  const journal = await readJournalState(readAhead(await world.openBucket(PRIMARY)));
  return { operations, journal, primary: PRIMARY, regions: new Map(states) };
}

export function judge(evidence: Evidence): readonly Violation[] {
  return CHECKERS.flatMap((check) => check(evidence));
}

/** A process that ends although nobody ended it is a fault of ours, whatever it was going through. */
export function deathsIn(world: World): readonly Violation[] {
  return world.seats.flatMap(({ deaths, logFile }) =>
    deaths.map((what) => ({ checker: 'crash', what: `${what}; its log: ${logFile}` })),
  );
}

/** C11: what the admin API says is present is stored there, whole; and after all is still, everything is present. */
export async function statusIsTrue(world: World, { regions }: Evidence, atMost: number): Promise<readonly Violation[]> {
  const [admin] = world.adminUrls(PRIMARY);
  const primary = regions.get(PRIMARY);
  const live = [...(primary?.tags ?? [])].filter(([, { digest }]) => digest !== undefined).slice(0, atMost);
  const problems: string[] = [];
  for (const [key, { digest }] of live) {
    const [repository = '', tag = ''] = key.split(':');
    const response = await fetch(`${admin}/admin/v1/images/${repository}/${tag}`);
    if (response.status !== 200) problems.push(`${key} is answered with ${response.status}`);
    else {
      const said = (await response.json()) as { regions: { region: string; state: string; digest?: string }[] };
      for (const { region, state, digest: seen } of said.regions) {
        if (state !== 'present') problems.push(`${key} is ${state} in ${region}, which stands at the head`);
        else if (seen !== undefined && seen !== digest)
          problems.push(`${key} is present in ${region} as ${seen}, not ${digest}`);
      }
    }
  }
  return problems.map((what) => ({ checker: 'C11 status truth', what }));
}
