import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** The path of the first of `names` that is found in `directories`, or `undefined`. */
export async function findProgram(
  names: readonly string[],
  directories: readonly string[],
): Promise<string | undefined> {
  for (const name of names)
    for (const directory of directories) {
      const path = join(directory, name);
      if (await isExecutable(path)) return path;
    }
  return undefined;
}

export function searchPath(environment: NodeJS.ProcessEnv): readonly string[] {
  return (environment.PATH ?? '').split(delimiter).filter((directory) => directory !== '');
}

export async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
