import { parseArgs } from 'node:util';

export const HELP = `Usage: npm run load -- [--slow | --sigterm N | --memory] [options]

Loads a registry, says what it did, and ends with a verdict; the exit status is 0 only when everything was kept to.

  (nothing)      ten times the clients that the registry has capacity for
  --slow         clients that read a byte a second, and uploads that stop, while others go on
  --sigterm N    ends one of two processes under load, N times
  --memory       parallel pushes and pulls of large blobs

  --seconds N    of the overload (20)
  --readers N    slow readers (2000)
  --uploads N    stalled uploads (500)
  --over N       seconds over which the registry measures a client's pace (60)
  --clients N    parallel pushes and pulls (64)
  --mib N        size of a blob in MiB (256; what is pushed at once has to fit on the disk)
  --json         one JSON object instead of lines
  --help         this text`;

export type LoadKind = 'overload' | 'slow' | 'sigterm' | 'memory';

export interface LoadOptions {
  readonly kind: LoadKind;
  readonly rounds: number;
  readonly seconds: number;
  readonly readers: number;
  readonly uploads: number;
  readonly overSeconds: number;
  readonly clients: number;
  readonly mib: number;
  readonly json: boolean;
  readonly help: boolean;
}

/** @throws Error what is wrong with them */
export function readOptions(args: readonly string[]): LoadOptions {
  const number = (value: string) => ({ type: 'string', default: value }) as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      slow: { type: 'boolean' },
      sigterm: { type: 'string' },
      memory: { type: 'boolean' },
      seconds: number('20'),
      readers: number('2000'),
      uploads: number('500'),
      over: number('60'),
      clients: number('64'),
      mib: number('256'),
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const kinds = (['slow', 'sigterm', 'memory'] as const).filter((kind) => values[kind] !== undefined);
  if (kinds.length > 1) throw new Error(`one at a time: ${kinds.join(', ')}`);
  return {
    kind: kinds[0] ?? 'overload',
    rounds: countOf(values.sigterm ?? '100'),
    seconds: countOf(values.seconds),
    readers: countOf(values.readers),
    uploads: countOf(values.uploads),
    overSeconds: countOf(values.over),
    clients: countOf(values.clients),
    mib: countOf(values.mib),
    json: values.json,
    help: values.help,
  };
}

export function countOf(text: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new Error(`not a count: ${text}`);
  return Number(text);
}
