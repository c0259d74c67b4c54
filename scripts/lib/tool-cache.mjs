import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Programs that tests need are kept per user, outside the clone: a fresh clone finds them. */
export function toolCache(env = process.env) {
  return join(env.MERIDIAN_TOOLS || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'meridian'), 'bin');
}

/** The path of a program, from the tool cache or else from PATH; `undefined` when it is nowhere. */
export function findTool(name, env = process.env) {
  return [toolCache(env), ...(env.PATH ?? '').split(delimiter)]
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isProgram);
}

/** The environment in which children find the cached programs by name. What is on PATH comes first. */
export const withToolsOnPath = (env = process.env) => ({
  ...env,
  PATH: [env.PATH, toolCache(env)].filter(Boolean).join(delimiter),
});

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
