import { readFileSync } from 'node:fs';
import { type BrokenRule, checkConfig } from './check-config.js';
import { type Config, configSchema } from './config.js';
import { type EnvironmentSetting, readEnvironment, variableOf, variablesOf } from './config-environment.js';
import { ConfigError, type ConfigProblem } from './config-error.js';
import { shapeOf } from './config-shape.js';
import { describeIssue } from './describe-issue.js';
import { unknownKeys } from './unknown-keys.js';

/** Names the file with the settings. Without it, the environment alone has to say everything. */
const FILE_VARIABLE = 'MERIDIAN_CONFIG';

type Tree = Record<string, unknown>;

/**
 * Reads the JSON file that `MERIDIAN_CONFIG` names, puts `MERIDIAN_…` variables over it (`http.operatorPort` is
 * `MERIDIAN_HTTP_OPERATOR_PORT`; lists of texts are separated by commas), and checks everything.
 *
 * @returns what nobody can change any more
 * @throws ConfigError with every problem there is
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const shape = shapeOf(configSchema);
  const file = env[FILE_VARIABLE] || undefined;
  const tree = file === undefined ? {} : readTree(file);
  const { settings, problems } = readEnvironment(env, shape);
  const whereOf = whereFrom(file, settings);
  const unknown = unknownKeys(shape, tree).map(({ path, what }) => ({
    path: path.join('.'),
    what,
    where: `from ${file}`,
  }));
  for (const setting of settings) place(tree, setting);
  const misplaced = unknownKeys(shape, tree)
    .filter(({ path }) => settings.some((setting) => setting.path.join('.') === path.join('.')))
    .map(({ path, what }) => ({ path: path.join('.'), what, where: whereOf(path) }));

  const result = configSchema.safeParse(tree);
  const broken: BrokenRule[] = result.success
    ? [...checkConfig(result.data)]
    : result.error.issues.map((issue) => ({
        path: issue.path.map(String),
        what: describeIssue(issue, valueAt(tree, issue.path)),
      }));
  const all: ConfigProblem[] = [
    ...problems,
    ...unknown,
    ...misplaced,
    ...broken.map(({ path, what }) => ({ path: path.join('.'), what, where: whereOf(path) })),
  ];
  if (all.length > 0 || !result.success) throw new ConfigError(all);
  return freezeDeep(result.data);
}

function readTree(file: string): Tree {
  const fail = (what: string, cause?: unknown): never => {
    throw new ConfigError([{ path: file, what, where: `named by ${FILE_VARIABLE}` }], { cause });
  };
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return fail(`cannot be read: ${(error as Error).message}`, error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return fail(`is not JSON: ${(error as Error).message}`, error);
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Tree)
    : fail('must hold one JSON object');
}

function place(tree: Tree, { path, value }: EnvironmentSetting): void {
  let parent = tree;
  for (const name of path.slice(0, -1)) {
    const child = parent[name];
    parent[name] = typeof child === 'object' && child !== null ? child : {};
    parent = parent[name] as Tree;
  }
  parent[path.at(-1) ?? ''] = value;
}

function valueAt(tree: unknown, path: readonly PropertyKey[]): unknown {
  let value = tree;
  for (const name of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[name];
  return value;
}

/** Tells where a value came from or, if there is none, where it could be set. */
function whereFrom(file: string | undefined, settings: readonly EnvironmentSetting[]) {
  const variables = variablesOf(shapeOf(configSchema));
  return (path: readonly string[]): string => {
    const setting = settings.find((candidate) => candidate.path.join('.') === path.join('.'));
    if (setting) return `from ${setting.variable}`;
    const variable = variables.has(variableOf(path)) ? variableOf(path) : undefined;
    if (file === undefined) return variable ? `set ${variable}` : `set it in the file that ${FILE_VARIABLE} names`;
    return variable ? `from ${file}; or set ${variable}` : `from ${file}`;
  };
}

function freezeDeep<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const child of Object.values(value)) freezeDeep(child);
  return Object.freeze(value);
}
