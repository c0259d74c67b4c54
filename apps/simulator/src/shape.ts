import { readFile } from 'node:fs/promises';
import type { Options } from './arguments.js';
import { writeFileAtomically } from './atomic-file.js';
import type { DataDirectory } from './data-directory.js';
import { Problem, systemCodeOf } from './problem.js';

/** What must stay the same between runs on the same data. */
interface Shape {
  readonly primary: string;
  readonly storage: string;
}

/**
 * A replica's bucket is no primary's: starting with another primary would put a second history into the world.
 *
 * @returns whether there was a run on this data before
 * @throws Problem when this run wants it otherwise
 */
export async function checkShape(data: DataDirectory, options: Options): Promise<boolean> {
  const wanted = shapeOf(options);
  const before = await readShape(data);
  if (before === undefined) return false;
  if (before.primary !== wanted.primary)
    throw differs(data, `has ${before.primary} as its primary, and --regions names ${wanted.primary} first`);
  if (before.storage !== wanted.storage)
    throw differs(data, `is kept in ${before.storage} buckets, and this run would use ${wanted.storage}`);
  return true;
}

/** For the next run, once this one has begun to write. */
export async function rememberShape(data: DataDirectory, options: Options): Promise<void> {
  await writeFileAtomically(data.shapeFile, JSON.stringify(shapeOf(options)));
}

function shapeOf({ regions, storage }: Options): Shape {
  return { primary: regions[0] ?? '', storage: storage.driver };
}

async function readShape(data: DataDirectory): Promise<Shape | undefined> {
  try {
    return JSON.parse(await readFile(data.shapeFile, 'utf8')) as Shape;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw new Problem(`${data.shapeFile} cannot be read: start afresh with --fresh`, { cause: error });
  }
}

function differs(data: DataDirectory, how: string): Problem {
  return new Problem(
    `the data in ${data.path} ${how}: choose another directory with --data DIR, or forget it with --fresh`,
  );
}
