import { parseArgs } from 'node:util';
import type { StorageKind } from './bucket.js';
import { FAULTS } from './faults.js';

export const SCENARIOS = [
  'mixed',
  'kill',
  'flush',
  'cuts',
  'faulty-store',
  'copy-kill',
  'deleted-copy',
  'full-disk',
  'bootstrap',
  'scrub',
  'write-kills',
] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

export interface Options {
  readonly scenario: ScenarioName;
  readonly seed: number;
  readonly minutes: number | undefined;
  readonly faults: readonly string[];
  readonly clients: number | undefined;
  readonly storage: StorageKind;
  readonly short: boolean;
  readonly json: boolean;
  readonly keep: boolean;
  readonly help: boolean;
}

export const HELP = `Usage: npm run nemesis -- [--scenario NAME] [--seed N] [--minutes M] [options]

Starts three regions as processes (two registries at the primary, a MinIO and a Redis each, replicators, a router), lets
clients work while faults happen, heals everything, reads everything once more, and checks the invariants.

  --scenario NAME  ${SCENARIOS.join(' | ')}  (mixed)
                   mixed         everything, composed at random
                   kill          a process every two seconds, at the highest rate of pushes
                   flush         every Redis forgets everything every two seconds during 200 pushes, then is off for a minute
                   cuts          a minute of each kind of cut; pulls at home go on
                   faulty-store  10,000 pulls while the stores fail, cut and lie
                   copy-kill     a replicator is killed five times during the copy of one blob of 1 GiB
                   deleted-copy  images are deleted and collected while replicas copy them
                   full-disk     a replica's store is full for a minute, then the primary's
                   bootstrap     a region that lost its bucket takes in a repository of 10,000 tags while they move
                   write-kills   all processes of a region die at one of its writes, before or after it, 60 times
                   scrub         1,000 objects of a replica's bucket are damaged, and scrubbed once
  --short          a smaller share of it, in less than a minute
  --seed N         what clients ask and which faults happen, and in which order (1)
  --minutes M      how long faults happen (5)
  --faults A,B     only these of: ${Object.keys(FAULTS).join(', ')}
  --clients N      how many (20)
  --storage KIND   minio | fs; with fs there is no proxy to make a store faulty (minio)
  --json           the verdict as one line of JSON
  --keep           keep history, logs and buckets also when all is well
  --help           this text

Which answers come first is up to the machine: the same seed asks the same, and does not always meet the same.
The last line is the verdict; the exit status is 0 only when nothing was violated.`;

/** @throws Error in words for whoever typed it */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenario: { type: 'string', default: 'mixed' },
      seed: { type: 'string', default: '1' },
      minutes: { type: 'string' },
      faults: { type: 'string' },
      clients: { type: 'string' },
      storage: { type: 'string', default: 'minio' },
      short: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const { short, json, keep, help } = values;
  return {
    scenario: oneOf(SCENARIOS, values.scenario, 'scenario'),
    seed: positive(values.seed, 'seed'),
    minutes: values.minutes === undefined ? undefined : positive(values.minutes, 'minutes'),
    faults: (values.faults?.split(',') ?? Object.keys(FAULTS)).map((each) => oneOf(Object.keys(FAULTS), each, 'fault')),
    clients: values.clients === undefined ? undefined : positive(values.clients, 'clients'),
    storage: oneOf(['minio', 'fs'] as const, values.storage, 'storage'),
    ...{ short, json, keep, help },
  };
}

function oneOf<T extends string>(names: readonly T[], given: string, what: string): T {
  const found = names.find((name) => name === given);
  if (found === undefined) throw new Error(`there is no ${what} "${given}", only ${names.join(', ')}`);
  return found;
}

function positive(text: string, what: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${what} takes a number above zero, not "${text}"`);
  return value;
}
