import type { ConfigProblem } from './config-error.js';
import { type ConfigShape, type ScalarKind, scalarsOf } from './config-shape.js';
import { nearest } from './nearest.js';

const PREFIX = 'MERIDIAN_';

/** Variables that are ours and no settings: where the file is, who our parent is, where test tools are kept. */
const NOT_SETTINGS = new Set(['MERIDIAN_CONFIG', 'MERIDIAN_EXIT_WITH_PARENT', 'MERIDIAN_TOOLS']);

/** What Kubernetes puts into every container beside a service that happens to be called `meridian…`. */
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)$/;
const SERVICE_LINK_VALUE = /^(tcp|udp|sctp):\/\//;

/** A setting that the environment gives. */
export interface EnvironmentSetting {
  readonly path: readonly string[];
  readonly variable: string;
  readonly value: unknown;
}

/** `['http', 'operatorPort']` → `MERIDIAN_HTTP_OPERATOR_PORT`. */
export function variableOf(path: readonly string[]): string {
  return PREFIX + path.map((name) => name.replace(/(?<=[a-z0-9])[A-Z]/g, '_$&').toUpperCase()).join('_');
}

/** Every variable that sets something, by its name. */
export function variablesOf(shape: ConfigShape): ReadonlyMap<string, { path: readonly string[]; kind: ScalarKind }> {
  return new Map([...scalarsOf(shape)].map((scalar) => [variableOf(scalar.path), scalar]));
}

/** Reads what the environment sets. A variable that is empty sets nothing, as `${X:-}` in a compose file leaves it. */
export function readEnvironment(
  env: NodeJS.ProcessEnv,
  shape: ConfigShape,
): { readonly settings: readonly EnvironmentSetting[]; readonly problems: readonly ConfigProblem[] } {
  const known = variablesOf(shape);
  const settings: EnvironmentSetting[] = [];
  const problems: ConfigProblem[] = [];
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(PREFIX) || NOT_SETTINGS.has(variable) || text === undefined || text === '') continue;
    const setting = known.get(variable);
    if (setting) settings.push({ path: setting.path, variable, value: readValue(setting.kind, text) });
    else if (!isServiceLink(variable, text)) problems.push(unknownVariable(variable, known.keys()));
  }
  return { settings, problems };
}

/** What does not read as its kind stays text: the schema says what is wrong with it. */
function readValue(kind: ScalarKind, text: string): unknown {
  if (kind === 'texts') return text.split(',').map((part) => part.trim());
  if (kind === 'number' && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (kind === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

function isServiceLink(variable: string, text: string): boolean {
  return SERVICE_LINK.test(variable) || SERVICE_LINK_VALUE.test(text);
}

function unknownVariable(variable: string, known: Iterable<string>): ConfigProblem {
  const hint = nearest(variable, known);
  return {
    path: variable,
    what: `is not a setting${hint === undefined ? '' : `; did you mean ${hint}?`}`,
    where: 'from the environment',
  };
}
