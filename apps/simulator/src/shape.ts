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
 * Remembers who the primary was and where the buckets are. A replica's bucket is no primary's: starting with another
 * one would put a second history into the world.
 *
 * @returns whether there was a run before
 * @throws Problem when this run wants it otherwise
 */
export async function rememberShape(data: DataDirectory, options: Options): Promise<boolean> {
  const wanted: Shape = { primary: options.regions[0] ?? '', storage: options.storage.driver };
  const before = await readShape(data);
  if (before === undefined) {
    await writeFileAtomically(data.shapeFile, JSON.stringify(wanted));
    return false;
  }
  if (before.primary !== wanted.primary)
    throw differs(data, `has ${before.primary} as its primary, and --regions names ${wanted.primary} first`);
  if (before.storage !== wanted.storage)
    throw differs(data, `is kept in ${before.storage} buckets, and this run would use ${wanted.storage}`);
  return true;
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
